import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { BackendError } from '../../src/errors.js'
import { findNativeFolder, MARKER } from '../../src/backend/native-folder.js'
import { markFolder } from '../../src/setup/mark-folder.js'

let folder = ''
let addon = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mark-'))
  addon = join(folder, 'lib', 'addon.js')
  await mkdir(join(folder, 'lib'))
})
afterEach(() => rm(folder, { recursive: true }))

it('makes a folder whose addon loads a finished one', async () => {
  const code = 'exports.TF_Version = "2.21.0"'
  await writeFile(addon, code)
  const marker = await markFolder(folder, { addon, compiler: 'g++ -O2' })
  expect(marker).toEqual({
    tfjsNode: '4.22.0',
    tensorflow: '2.21.0',
    root: '.',
    addon: 'lib/addon.js',
    compiler: 'g++ -O2',
    sources: null,
    noEngine: null,
    files: { 'lib/addon.js': { size: code.length, sha256: createHash('sha256').update(code).digest('hex') } },
  })
  expect(findNativeFolder(folder)).toEqual({ path: folder, marker })
})

it('takes the hashes of files that stay from their marker, so that none is right for being damaged', async () => {
  await writeFile(addon, 'exports.TF_Version = "2.21.0"')
  await writeFile(join(folder, 'library'), 'damaged since')
  const known = { library: { size: 13, sha256: 'of the day it was checked' } }
  const { files } = await markFolder(folder, { addon, compiler: 'g++', known })
  expect(files).toEqual({ ...known, 'lib/addon.js': expect.anything() as unknown })
})

it.each([
  ['that ends the process', 'process.kill(process.pid, "SIGSEGV")', /SIGSEGV/],
  ['that does not load', 'throw new Error("GLIBC_2.27 not found")', /GLIBC_2\.27 not found/],
  ['of something else', 'exports.TF_Version = "hello"', /not TensorFlow/],
])('leaves a folder with an addon %s unfinished', async (_, code, message) => {
  await writeFile(addon, code)
  const thrown: unknown = await markFolder(folder, { addon, compiler: 'g++' }).catch((error: unknown) => error)
  expect(thrown).toBeInstanceOf(BackendError)
  expect(String(thrown)).toMatch(message)
  expect(existsSync(join(folder, MARKER))).toBe(false)
})
