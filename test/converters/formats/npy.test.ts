import fc from 'fast-check'
import { readFileSync } from 'node:fs'
import { openNpy } from '../../../converters/formats/npy.js'
import { parseSafetensors } from '../../../converters/formats/safetensors.js'
import { readStored } from '../../../converters/formats/stored-tensor.js'
import { openWeights } from '../../../converters/formats/open-weights.js'
import type { Weights } from '../../../converters/formats/weights.js'
import { FormatError, InputError } from '../../../src/errors.js'
import { MemoryFolder } from '../../../src/hub/memory-folder.js'

const fixture = (name: string): Buffer => readFileSync(`test/fixtures/converters/${name}`)
const openBytes = (bytes: Uint8Array): Promise<Weights> =>
  openWeights(new MemoryFolder(new Map([['x', bytes]])), { file: 'x' })
const { tensors: expected } = parseSafetensors(fixture('arrays-expected.safetensors'))

test.each(['arrays.npz', 'arrays-compressed.npz', 'zip64.npz'])(
  'every type, byte order and order of axes in %s is read',
  async (name) => {
    const weights = await openBytes(fixture(name))
    for (const [array, { shape, data }] of expected) {
      expect([array, weights.tensors.get(array)?.shape]).toEqual([array, shape])
      expect([array, await weights.read(array)]).toEqual([array, data])
      const [begin, end] = [data.length >> 2, data.length - (data.length >> 2)]
      expect(await weights.read(array, begin, end)).toEqual(data.slice(begin, end))
    }
    expect(weights.tensors.get('bf16')?.dtype).toBe('BF16')
    expect(weights.tensors.get('big')).toMatchObject({ dtype: 'F32', byteLength: 24 })
  },
)

test('an array that is larger unpacked than a block is read from the middle', async () => {
  const weights = await openBytes(fixture('arrays-compressed.npz'))
  const large = await weights.read('large')
  expect(large).toHaveLength(300_000)
  expect(large.every((x, i) => x === i % 1000)).toBe(true)
  expect(await weights.read('large', 150_100, 150_103)).toEqual(Float32Array.of(100, 101, 102))
})

test('elements outside an array are refused', async () => {
  const weights = await openBytes(fixture('arrays.npz'))
  for (const [begin, end] of [
    [-1, 2],
    [0, 25],
    [3, 2],
    [0.5, 2],
    [NaN, 2],
  ] as const) {
    for (const name of ['f4', 'fortran']) await expect(weights.read(name, begin, end)).rejects.toThrow(InputError)
  }
})

test('an array of objects, which would have to be unpickled, is refused', async () => {
  await expect(openBytes(fixture('arrays-objects.npz'))).rejects.toThrow(
    /The file is not a numeric array.*\|O.*x\.npy in/,
  )
})

/** An array with this header. */
function array(header: string, data: number, version = 1): Parameters<typeof openNpy>[0] {
  const text = Buffer.from(header)
  const length = Buffer.alloc(version === 1 ? 2 : 4)
  if (version === 1) length.writeUInt16LE(text.length)
  else length.writeUInt32LE(text.length)
  const bytes = Buffer.concat([
    Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, version, 0]),
    length,
    text,
    Buffer.alloc(data),
  ])
  return { size: bytes.length, read: (start, end) => Promise.resolve(Uint8Array.from(bytes.subarray(start, end))) }
}

test.each([1, 2, 3])('version %i of the header is read', async (version) => {
  const stored = await openNpy(array("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", 24, version))
  expect(await readStored(stored)).toEqual(new Float32Array(6))
})

test.each<[string, Parameters<typeof openNpy>[0]]>([
  ['no version', array("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }", 4, 0)],
  ['a later version', array("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }", 4, 4)],
  ['no type', array("{'fortran_order': False, 'shape': (1,), }", 4)],
  ['records', array("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", 4)],
  ['texts', array("{'descr': '<U1', 'fortran_order': False, 'shape': (1,), }", 4)],
  ['no order', array("{'descr': '<f4', 'shape': (1,), }", 4)],
  ['no shape', array("{'descr': '<f4', 'fortran_order': False, }", 4)],
  ['a negative shape', array("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }", 4)],
  ['too few bytes', array("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", 7)],
  ['too many bytes', array("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", 9)],
  ['a shape of terabytes', array("{'descr': '<f4', 'fortran_order': False, 'shape': (1099511627776,), }", 9)],
  [
    'a shape that overflows',
    array("{'descr': '<f4', 'fortran_order': False, 'shape': (1099511627776, 1099511627776), }", 9),
  ],
])('an array with %s is refused', async (_, source) => {
  await expect(openNpy(source)).rejects.toThrow(FormatError)
})

test.each([
  ['arrays.npz', 500],
  ['arrays-compressed.npz', 100],
  ['zip64.npz', 500],
])('whatever happens to %s, it is read or refused as one of a broken format', async (name, numRuns) => {
  const original = fixture(name)
  const place = fc.oneof(
    fc.nat(original.length),
    fc.nat(Math.min(original.length, 1500)).map((n) => original.length - n),
  )
  const edit = fc.record({
    at: place,
    drop: fc.nat(4),
    put: fc.uint8Array({ maxLength: 6 }),
    isSameLength: fc.boolean(),
  })
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
    { numRuns },
  )
  expect(refused).toBeGreaterThan(numRuns / 2)
})
