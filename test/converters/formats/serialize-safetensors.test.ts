import fc from 'fast-check'
import { dtypeBits, viewAs, type Dtype } from '../../../converters/formats/dtypes.js'
import { parseSafetensors } from '../../../converters/formats/safetensors.js'
import {
  layoutSafetensors,
  serializeSafetensors,
  type Tensor,
} from '../../../converters/formats/serialize-safetensors.js'
import { InputError } from '../../../src/errors.js'

const dtypes = Object.keys(dtypeBits) as Dtype[]

const anyTensor = fc
  .record({ dtype: fc.constantFrom(...dtypes), shape: fc.array(fc.nat(4), { maxLength: 3 }) })
  .map(({ dtype, shape }): Tensor => {
    const full = [...shape, 8] // eight elements of any type fill whole bytes
    const bytes = (full.reduce((a, b) => a * b, 1) * dtypeBits[dtype]) / 8
    return {
      dtype,
      shape: full,
      data: viewAs(
        dtype,
        Uint8Array.from({ length: bytes }, (_, i) => (i * 37) % 256),
      ),
    }
  })

test('what is written is read again, whatever the names, types and shapes', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.string({ unit: 'grapheme' }), anyTensor), { maxLength: 8 }),
      fc.dictionary(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' })),
      (entries, metadata) => {
        const tensors = new Map(entries.filter(([name]) => name !== '__metadata__'))
        const file = Buffer.concat(serializeSafetensors(tensors, metadata))
        const read = parseSafetensors(file)
        expect(Object.entries(read.metadata)).toEqual(Object.entries(metadata))
        expect(new Map([...read.tensors].sort())).toEqual(new Map([...tensors].sort()))
      },
    ),
  )
})

test('the data begin at a multiple of 8, and each tensor at a multiple of its own width', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), anyTensor), (entries) => {
      const tensors = new Map(Object.entries(entries))
      const { head, names } = layoutSafetensors(tensors)
      expect(head.length % 8).toBe(0)
      let begin = head.length
      for (const name of names) {
        const { dtype, data } = tensors.get(name)!
        if (dtypeBits[dtype] >= 8) expect(begin % (dtypeBits[dtype] / 8)).toBe(0)
        begin += data.byteLength
      }
    }),
  )
})

test('a header that no reader takes is refused, and one that is as long as can be is read', () => {
  const data = new Float32Array(1)
  const write = (length: number): Uint8Array[] =>
    serializeSafetensors(new Map([['a', { dtype: 'F32', shape: [1], data }]]), { text: 'x'.repeat(length) })
  expect(() => write(100_000_000)).toThrow(InputError)
  expect(() => write(100_000_000)).toThrow(/at most 100000000 bytes.*found 1000000\d\d bytes of 1 tensors/)
  const { metadata } = parseSafetensors(new Uint8Array(Buffer.concat(write(99_999_900))))
  expect(metadata['text']).toHaveLength(99_999_900)
})

test('data that do not fit their shape, and names that the format keeps, are refused', () => {
  const data = new Float32Array(4)
  const write = (name: string, shape: number[]): unknown =>
    serializeSafetensors(new Map([[name, { dtype: 'F32', shape, data }]]))
  expect(() => write('a', [5])).toThrow(/expected 20 bytes for F32 \[5\], found 16 bytes \(tensor "a"\)/)
  expect(() => write('__metadata__', [4])).toThrow(InputError)
  for (const shape of [[-4], [-2, -2], [0.5, 8], [2 ** 40, 2 ** 40], [NaN]])
    expect(() => write('a', shape)).toThrow(InputError)
})
