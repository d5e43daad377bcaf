import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import fc from 'fast-check'
import { type Zippable, zipSync } from 'fflate'

import { BackendError } from '../../src/errors.js'
import { unpackWheel } from '../../src/setup/wheel.js'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wheel-'))
})
afterEach(() => rm(folder, { recursive: true }))

const content = Buffer.from('tensor'.repeat(5000))

/** fflate checks that what it is given is of its own realm's arrays, which a Buffer is not under jest. */
function zip(files: Readonly<Record<string, Uint8Array>>): Buffer {
  const zippable: Zippable = {}
  for (const [name, bytes] of Object.entries(files)) zippable[name] = Uint8Array.from(bytes)
  return Buffer.from(zipSync(zippable))
}

async function unpack(bytes: Uint8Array, signal?: AbortSignal): Promise<string[]> {
  const path = join(folder, 'a.whl')
  const out = join(folder, 'out')
  await writeFile(path, bytes)
  const rename = (name: string) => (name.startsWith('keep/') ? name.slice(5) : undefined)
  await unpackWheel(path, out, { rename, signal })
  return readdir(out)
}

it('writes the files asked for, packed, stored and empty', async () => {
  const stored = Uint8Array.of(7)
  const names = await unpack(
    zip({ 'keep/a': content, 'drop/b': content, 'keep/c': stored, 'keep/d': new Uint8Array(0) }),
  )
  expect(names.sort()).toEqual(['a', 'c', 'd'])
  expect((await readFile(join(folder, 'out', 'a'))).equals(content)).toBe(true)
  expect((await readFile(join(folder, 'out', 'd'))).length).toBe(0)
})

it.each(['keep/../../escape', 'keep//escape', 'keep/a/../../../escape'])('refuses %s', async (name) => {
  await expect(unpack(zip({ [name]: content }))).rejects.toThrow(BackendError)
  expect(await readdir(folder)).not.toContain('escape')
})

it('refuses a file larger than its directory says, and one with another checksum', async () => {
  const bytes = zip({ 'keep/a': content })
  const entry = bytes.indexOf(Buffer.from([0x50, 0x4b, 1, 2]))
  const smaller = Buffer.from(bytes)
  smaller.writeUInt32LE(100, entry + 24)
  await expect(unpack(smaller)).rejects.toThrow(BackendError)
  const other = Buffer.from(bytes)
  other.writeUInt32LE(1, entry + 16)
  await expect(unpack(other)).rejects.toThrow(BackendError)
})

it('refuses whatever is cut off', async () => {
  const bytes = zip({ 'keep/a': content, 'keep/b': content })
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: bytes.length - 1 }), async (length) => {
      await expect(unpack(bytes.subarray(0, length))).rejects.toThrow(BackendError)
    }),
    { numRuns: 40 },
  )
})

it('never fails otherwise than with an error of its own, whatever byte is wrong', async () => {
  const bytes = zip({ 'keep/a': content, 'keep/b': content })
  await fc.assert(
    fc.asyncProperty(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
      const wrong = Buffer.from(bytes)
      wrong[at] = (wrong[at] ?? 0) ^ flip
      const thrown: unknown = await unpack(wrong).then(
        () => undefined,
        (error: unknown) => error,
      )
      if (thrown !== undefined) expect(thrown).toBeInstanceOf(BackendError)
    }),
    { numRuns: 60 },
  )
})

it('stops when told to', async () => {
  await expect(unpack(zip({ 'keep/a': content }), AbortSignal.abort())).rejects.toThrow(/interrupted/)
})
