import { zipSync } from 'fflate'
import { readFileSync } from 'node:fs'
import type { ByteSource } from '../../src/io/byte-source.js'
import { openZip } from '../../src/io/zip.js'
import { FormatError } from '../../src/errors.js'

/** Numbers without a pattern, so that packing them leaves something to read. */
const numbers = Uint8Array.from({ length: 500_000 }, (_, i) => Math.abs(Math.sin(i * i) * 40))
const sourceOf = (bytes: Uint8Array): ByteSource => ({
  size: bytes.length,
  read: (start, end) => Promise.resolve(Uint8Array.from(bytes.subarray(start, end))),
})
const open = async (bytes: Uint8Array, name = 'a'): Promise<ByteSource> => {
  const file = (await openZip(sourceOf(bytes))).get(name)
  if (!file) throw new Error(`no ${name}`)
  return file
}
const equal = (a: Uint8Array, b: Uint8Array): boolean => Buffer.from(a).equals(Buffer.from(b))

test.each([
  ['stored', 0],
  ['deflated', 6],
] as const)('a file that is %s is read in any range, forth and back and at once', async (_, level) => {
  const file = await open(zipSync({ a: numbers, b: new Uint8Array(3) }, { level, comment: 'PK\x05\x06 in a comment' }))
  expect(file.size).toBe(numbers.length)
  const ranges = [
    [0, 10],
    [10, 400_000],
    [400_000, 500_000],
    [7, 7],
    [0, 500_000],
    [123_456, 300_000],
    [5, 6],
  ] as const
  for (const [start, end] of ranges) expect(equal(await file.read(start, end), numbers.subarray(start, end))).toBe(true)
  const atOnce = await Promise.all(ranges.map(([start, end]) => file.read(start, end)))
  for (const [i, [start, end]] of ranges.entries()) expect(equal(atOnce[i]!, numbers.subarray(start, end))).toBe(true)
})

test('an archive with sizes of 64 bits is read', async () => {
  const files = await openZip(sourceOf(readFileSync('test/fixtures/converters/zip64.npz')))
  const file = files.get('f4.npy')
  expect(file?.size).toBe(224)
  expect(Buffer.from(await file!.read(1, 6)).toString()).toBe('NUMPY')
})

/** The archive with bytes of its only entry in the list, or of the list's end, replaced. */
function changed(level: 0 | 6, at: number, value: number, of: 'entry' | 'end' = 'entry'): Uint8Array {
  const bytes = zipSync({ a: numbers.subarray(0, 1000) }, { level })
  const view = new DataView(bytes.buffer)
  const begin = of === 'end' ? bytes.length - 22 : view.getUint32(bytes.length - 6, true)
  view.setUint32(begin + at, value, true)
  return bytes
}

test.each<[string, Uint8Array, RegExp]>([
  ['without an end', new Uint8Array(100), /list of entries at the end/],
  ['with a list beyond the file', changed(0, 16, 1e6, 'end'), /ends too early/],
  ['with a list of a gigabyte', changed(0, 12, 1e9, 'end'), /at most \d+ bytes of entries/],
  ['with more entries than listed', changed(0, 8, 0x00020002, 'end'), /expected 2 entries, found 1/],
  ['that is encrypted', changed(0, 8, 1), /an encrypted one/],
  ['packed otherwise', changed(0, 10, 14), /method 14/],
  ['whose stored file has two sizes', changed(0, 24, 999), /of 1000 bytes that hold 999/],
  ['whose file unpacks to a gigabyte', changed(6, 24, 1e9), /that hold 1000000000/],
  ['whose file lies beyond it', changed(0, 42, 1e6), /of 1000 bytes/],
  ['whose name is longer than the list', changed(0, 28, 0xffff), /truncated/],
])('an archive %s is refused', async (_, bytes, message) => {
  await expect(openZip(sourceOf(bytes))).rejects.toThrow(FormatError)
  await expect(openZip(sourceOf(bytes))).rejects.toThrow(message)
})

test('a file that holds less than it says, or no file where one is said to be, is refused when it is read', async () => {
  await expect((await open(changed(6, 24, 2000))).read(0, 2000)).rejects.toThrow(/holds less than it says/)
  await expect((await open(changed(0, 42, 1))).read(0, 1)).rejects.toThrow(/no entry where a/)
  const broken = zipSync({ a: numbers }, { level: 6 })
  broken.fill(0xff, 100_000, 100_100)
  const file = await open(broken)
  await expect(file.read(0, numbers.length)).rejects.toThrow(/holds broken data|holds less/)
  expect(equal(await file.read(0, 100), numbers.subarray(0, 100))).toBe(true)
})

test('two files of one name are refused', async () => {
  const bytes = Buffer.from(zipSync({ a1: new Uint8Array(1), a2: new Uint8Array(1) }, { level: 0 }))
  for (let at = bytes.indexOf('a2'); at >= 0; at = bytes.indexOf('a2')) bytes.write('a1', at)
  await expect(openZip(sourceOf(bytes))).rejects.toThrow(/"a1" twice/)
})
