import fc from 'fast-check'
import { existsSync, readFileSync } from 'node:fs'
import { openWeights } from '../../../converters/formats/open-weights.js'
import type { Weights } from '../../../converters/formats/weights.js'
import { parseSafetensors } from '../../../converters/formats/safetensors.js'
import { FormatError } from '../../../src/errors.js'
import { MemoryFolder } from '../../../src/hub/memory-folder.js'

const fixture = (name: string): Buffer => readFileSync(`test/fixtures/converters/${name}`)
const openBytes = (bytes: Uint8Array): Promise<Weights> =>
  openWeights(new MemoryFolder(new Map([['x', bytes]])), { file: 'x' })
const { tensors: expected } = parseSafetensors(fixture('torch-views-expected.safetensors'))

test.each(['torch-views.bin', 'torch-views-legacy.bin', 'torch-protocol-4.bin', 'torch-training.pt'])(
  'every type and view in %s is read as torch reads it',
  async (name) => {
    const weights = await openBytes(fixture(name))
    for (const [tensor, { shape, data }] of expected) {
      expect([tensor, weights.tensors.get(tensor)?.shape]).toEqual([tensor, shape])
      expect([tensor, await weights.read(tensor)]).toEqual([tensor, data])
      const [begin, end] = [data.length >> 2, data.length - (data.length >> 2)]
      expect(await weights.read(tensor, begin, end)).toEqual(data.slice(begin, end))
    }
    expect(weights.tensors.get('half')).toEqual(expect.objectContaining({ dtype: 'F16', byteLength: 48 }))
    expect(weights.tensors.get('brain')?.dtype).toBe('BF16')
    expect(weights.tensors.get('bool')?.dtype).toBe('BOOL')
  },
)

test('types without a storage of their own are read', async () => {
  const weights = await openBytes(fixture('torch-training.pt'))
  expect(weights.tensors.size).toBe(expected.size + 2)
  expect(await weights.read('u16')).toEqual(Float32Array.of(1, 65535))
  expect(await weights.read('f8')).toEqual(Float32Array.of(1.5, -0.25))
})

test.each([
  ['torch-evil.bin', /asks for something that weights don’t need.*posix\.system/],
  ['torch-evil-legacy.bin', /posix\.system/],
  ['evil.pkl', /a pickle that torch\.save did not write/],
  ['torch-module.bin', /torch\.nn\.modules\.linear\.Linear/],
  ['torch-no-weights.bin', /The file contains no weights/],
])('%s is refused, and nothing of it is run', async (name, message) => {
  const opened = openBytes(fixture(name))
  await expect(opened).rejects.toThrow(FormatError)
  await expect(opened).rejects.toThrow(message)
  expect(existsSync('/tmp/siglip-pickle-ran')).toBe(false)
})

/** A file before torch 1.6 whose pickles hold one tensor of three numbers, described as given. */
function legacyFile({ offset = 0, shape = [3], strides = [1], count = 3, stored = 3, data = 12 }): Buffer {
  const number = (n: number): Buffer => {
    const bytes = Buffer.alloc(10)
    bytes.writeUInt8(0x8a)
    bytes.writeUInt8(8, 1)
    bytes.writeBigInt64LE(BigInt(n), 2)
    return bytes
  }
  const text = (s: string): Buffer => Buffer.from(`X${String.fromCharCode(s.length)}\0\0\0${s}`, 'latin1')
  const raw = (s: string): Buffer => Buffer.from(s, 'latin1')
  const tuple = (...items: Buffer[]): Buffer => Buffer.concat([raw('('), ...items, raw('t')])
  const begin = raw('\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03.')
  const machine = Buffer.concat([raw('\x80\x02}'), text('little_endian'), raw('\x88s.')])
  const storage = Buffer.concat([
    tuple(text('storage'), raw('ctorch\nFloatStorage\n'), text('k'), text('cpu'), number(count), raw('N')),
    raw('Q'),
  ])
  const view = tuple(
    storage,
    number(offset),
    tuple(...shape.map(number)),
    tuple(...strides.map(number)),
    raw('\x89'),
    raw('}'),
  )
  const object = Buffer.concat([
    raw('\x80\x02}'),
    text('a'),
    raw('ctorch._utils\n_rebuild_tensor_v2\n'),
    view,
    raw('Rs.'),
  ])
  const keys = Buffer.concat([raw('\x80\x02]'), text('k'), raw('a.')])
  const length = Buffer.alloc(8)
  length.writeBigInt64LE(BigInt(stored))
  const floats = Buffer.from(Float32Array.of(1, 2, 3).buffer)
  return Buffer.concat([
    begin,
    machine,
    object,
    keys,
    length,
    Buffer.concat([floats, Buffer.alloc(100)]).subarray(0, data),
  ])
}

test('a file made by hand is read', async () => {
  expect(await (await openBytes(legacyFile({}))).read('a')).toEqual(Float32Array.of(1, 2, 3))
  expect(await (await openBytes(legacyFile({ shape: [2, 2], strides: [1, 1] }))).read('a')).toEqual(
    Float32Array.of(1, 2, 2, 3),
  )
  expect(await (await openBytes(legacyFile({ shape: [0, 9], strides: [9, 1], offset: 3 }))).read('a')).toHaveLength(0)
})

test.each<[string, Parameters<typeof legacyFile>[0], RegExp]>([
  ['beyond its storage', { shape: [4] }, /outside its storage/],
  ['from beyond its storage', { offset: 1 }, /outside its storage/],
  ['with strides beyond its storage', { strides: [2] }, /outside its storage/],
  ['before its storage', { offset: -1 }, /Invalid tensor/],
  ['with negative strides', { strides: [-1], offset: 2 }, /Invalid tensor/],
  ['with a negative size', { shape: [-3] }, /Invalid tensor/],
  ['with fewer strides than axes', { shape: [1, 3] }, /outside its storage/],
  ['of no memory that claims terabytes', { shape: [2 ** 20, 2 ** 20], strides: [0, 0] }, /outside its storage/],
  ['with sizes whose product overflows', { shape: [2 ** 40, 2 ** 40], strides: [0, 0] }, /outside its storage/],
  ['in a storage of another size', { stored: 4 }, /storage is not what the pickle says/],
  ['in a storage of 2⁵⁰ numbers', { count: 2 ** 50, stored: 2 ** 50 }, /storage is not what the pickle says/],
  ['in a storage of a negative size', { count: -3, stored: -3 }, /Invalid storage/],
  ['in a storage that is cut off', { data: 11 }, /storage is not what the pickle says/],
])('a tensor %s is refused', async (_, parts, message) => {
  const opened = openBytes(legacyFile(parts))
  await expect(opened).rejects.toThrow(FormatError)
  await expect(opened).rejects.toThrow(message)
})

test.each(['torch-views.bin', 'torch-views-legacy.bin', 'torch-training.pt'])(
  'whatever happens to %s, it is read or refused as one of a broken format',
  async (name) => {
    const original = fixture(name)
    const piece = fc.oneof(
      fc.uint8Array({ maxLength: 6 }),
      fc
        .constantFrom(
          '}',
          ']',
          '(',
          't',
          '0',
          '2',
          '.',
          'R',
          'Q',
          'b',
          '\x81',
          'h\0',
          '\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f',
        )
        .map((s) => Buffer.from(s, 'latin1')),
    )
    const edit = fc.record({ at: fc.nat(original.length), drop: fc.nat(4), put: piece, isSameLength: fc.boolean() })
    let refused = 0
    await fc.assert(
      fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 3 }), async (edits) => {
        let bytes: Buffer = Buffer.from(original)
        for (const { at, drop, put, isSameLength } of edits) {
          bytes = Buffer.concat([bytes.subarray(0, at), put, bytes.subarray(at + (isSameLength ? put.length : drop))])
        }
        try {
          const weights = await openBytes(bytes)
          for (const tensor of weights.tensors.keys()) await weights.read(tensor)
        } catch (error) {
          expect(error).toBeInstanceOf(FormatError)
          refused++
        }
      }),
      { numRuns: 1000 },
    )
    expect(refused).toBeGreaterThan(100)
  },
)

test('a file that is cut off anywhere is refused, or has lost nothing that is read', async () => {
  for (const name of ['torch-views.bin', 'torch-views-legacy.bin']) {
    const whole = fixture(name)
    for (let size = 0; size < whole.length; size += 7) {
      await expect(openBytes(whole.subarray(0, size))).rejects.toThrow(FormatError)
    }
  }
})
