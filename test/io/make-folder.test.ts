import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { makeFolder } from '../../src/io/make-folder.js'

let base: string
beforeEach(async () => {
  base = await mkdtemp(path.join(tmpdir(), 'siglip-make-'))
})
afterEach(() => rm(base, { recursive: true }))

test('makes folders within folders, also several times at once', async () => {
  const deep = path.join(base, 'a', 'b', 'c')
  await Promise.all(Array.from({ length: 8 }, () => makeFolder(deep)))
  await makeFolder(deep)
  expect(await readdir(path.dirname(deep))).toEqual(['c'])
})

test('a file in the way is the error that the system gives', async () => {
  const file = path.join(base, 'file')
  await writeFile(file, '')
  await expect(makeFolder(file)).rejects.toMatchObject({ code: 'EEXIST' })
  await expect(makeFolder(path.join(file, 'a', 'b'))).rejects.toMatchObject({ code: 'ENOTDIR' })
})

const onLinux = process.platform === 'linux' ? test : test.skip
onLinux('ends where the system takes no new folders', async () => {
  await expect(makeFolder('/proc/siglip/a/b')).rejects.toMatchObject({ code: 'ENOENT' })
})
