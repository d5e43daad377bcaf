import { mkdtemp, rename, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { LocalFolder } from '../../src/hub/local-folder.js'
import { saveFolder } from '../../src/io/save-folder.js'

let parent: string
let location: string
beforeEach(async () => {
  parent = await mkdtemp(path.join(tmpdir(), 'siglip-local-'))
  location = path.join(parent, 'model')
  await saveFolder(location, new Map([['config.json', Buffer.from('{}')], ['weights', Buffer.from('old weights')]])) // prettier-ignore
})
afterEach(() => rm(parent, { recursive: true }))

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString()
const replaced = { name: 'FileError', message: expect.stringContaining('replaced while it was read') as string }

it('reads files whole and in ranges as long as they stay', async () => {
  const folder = new LocalFolder(location)
  expect(text(await folder.range('weights', 0, 3))).toBe('old')
  expect(text(await folder.range('weights', 4, 11))).toBe('weights')
  await writeFile(path.join(location, 'beside'), 'new')
  expect(text(await folder.bytes('weights'))).toBe('old weights')
})

it('mixes no ranges of a file and of the one that replaces it', async () => {
  const folder = new LocalFolder(location)
  await folder.range('weights', 0, 3)
  await writeFile(path.join(location, 'other'), 'new weights')
  await rename(path.join(location, 'other'), path.join(location, 'weights'))
  await expect(folder.range('weights', 4, 11)).rejects.toMatchObject(replaced)
  expect(text(await new LocalFolder(location).bytes('weights'))).toBe('new weights')
})

it('mixes no ranges of a file that is written over', async () => {
  const folder = new LocalFolder(location)
  await folder.range('weights', 0, 3)
  await writeFile(path.join(location, 'weights'), 'new weights')
  await utimes(path.join(location, 'weights'), 1, 1)
  await expect(folder.range('weights', 4, 11)).rejects.toMatchObject(replaced)
})

it('mixes no files of a folder and of the one that replaces it', async () => {
  const folder = new LocalFolder(location)
  await folder.bytes('config.json')
  await saveFolder(location, new Map([['weights', Buffer.from('new weights')]]))
  await expect(folder.bytes('weights')).rejects.toMatchObject(replaced)
})
