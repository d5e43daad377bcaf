import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { FileError } from '../../src/errors.js'
import { withFolderLock } from '../../src/training/folder-lock.js'

let out = ''
beforeEach(async () => {
  out = await mkdtemp(path.join(tmpdir(), 'siglip-alone-'))
})
afterEach(() => rm(out, { recursive: true, force: true }))

it('lets one training after the other into a folder, and refuses one meanwhile', async () => {
  const order: string[] = []
  const first = withFolderLock(out, async () => {
    order.push('first begins')
    await expect(withFolderLock(out, () => Promise.resolve(order.push('second')))).rejects.toThrow(FileError)
    await expect(withFolderLock(path.join(out, 'other'), () => Promise.resolve('there'))).resolves.toBe('there')
    order.push('first ends')
    return 1
  })
  expect(await first).toBe(1)
  expect(await withFolderLock(out, () => Promise.resolve(2))).toBe(2)
  expect(order).toEqual(['first begins', 'first ends'])
  expect(await readdir(out)).toEqual(['other'])
})

it('goes on in the folder of a training that was killed', async () => {
  const script = path.join(process.cwd(), 'dist', 'src', 'training', 'folder-lock.js')
  const program = `
    import { withFolderLock } from ${JSON.stringify(script)}
    await withFolderLock(process.argv[1], () => new Promise((resolve) => { console.log('in'); setTimeout(resolve, 60_000) }))`
  const child = spawn(process.execPath, ['--input-type=module', '-e', program, out], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(child.stdout, 'data')
  await expect(withFolderLock(out, () => Promise.resolve(1))).rejects.toThrow(/Another process trains/)
  child.kill('SIGKILL')
  await once(child, 'exit')
  expect(await withFolderLock(out, () => Promise.resolve(2))).toBe(2)
}, 20_000)

it('passes on what the training throws', async () => {
  await expect(withFolderLock(out, () => Promise.reject(new TypeError('bad step')))).rejects.toThrow(TypeError)
})
