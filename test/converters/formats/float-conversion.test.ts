import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { toFloat32, fromFloat32, type FloatDtype } from '../../../converters/formats/float-conversion.js'
import { parseSafetensors } from '../../../converters/formats/safetensors.js'
import { FormatError } from '../../../src/errors.js'

const { tensors: rounding } = parseSafetensors(readFileSync('test/fixtures/converters/rounding.safetensors'))
const bytesOf = (array: { buffer: ArrayBuffer; byteOffset: number; byteLength: number }): Uint8Array<ArrayBuffer> =>
  new Uint8Array(array.buffer, array.byteOffset, array.byteLength)
const everyCode = (width: 1 | 2): Uint8Array<ArrayBuffer> =>
  bytesOf(
    width === 2 ? Uint16Array.from({ length: 65536 }, (_, i) => i) : Uint8Array.from({ length: 256 }, (_, i) => i),
  )

// The hashes are those that test/fixtures/converters/make.py prints: what torch makes of every code.
test.each([
  ['F16', 2, 'a90a8929a08b24e34f5b8a5533671f8142c05ce5e6fa930970d2f959cc6a9c6f', 2046],
  ['BF16', 2, 'cc15c71970a662a5711dc70ca4b17685954a20a0b51624d5f7fd6d1803620b01', 254],
  ['F8_E4M3', 1, '2a05894c63aa27e8550121432e5101c375c76dbcbd4496d5571f70a4ddc586d8', 2],
  ['F8_E5M2', 1, '0d170ec42e0bde8922ec62f8207d8554ff7a464552a347b3d3d989dc7491b7d0', 6],
] as const)('every code of %s is read as torch reads it', (dtype, width, hash, nans) => {
  const floats = toFloat32(dtype, everyCode(width))
  expect(floats.filter(Number.isNaN)).toHaveLength(nans)
  const withoutNan = floats.map((x) => (Number.isNaN(x) ? 0.5 : x))
  expect(createHash('sha256').update(bytesOf(withoutNan)).digest('hex')).toBe(hash)
})

test.each(['F16', 'BF16'] as const)(
  'every code of %s survives reading and writing, NaNs too but for their quiet bit',
  (dtype) => {
    const codes = new Uint16Array(everyCode(2).buffer)
    const back = new Uint16Array(fromFloat32(toFloat32(dtype, everyCode(2)), dtype).buffer)
    const quiet = dtype === 'F16' ? 0x200 : 0x40
    const isNan = (code: number): boolean => (code & 0x7fff) > (dtype === 'F16' ? 0x7c00 : 0x7f80)
    expect(back).toEqual(codes.map((code) => (isNan(code) ? code | quiet : code)))
  },
)

test.each([
  ['F16', 'f16'],
  ['BF16', 'bf16'],
  ['F64', 'f64'],
] as const)('floats are rounded to %s as torch rounds them', (dtype, name) => {
  const floats = Float32Array.from(rounding.get('f32')?.data as Float32Array)
  const expected = rounding.get(name)
  expect(floats.length).toBeGreaterThan(5000)
  expect(fromFloat32(floats, dtype)).toEqual(bytesOf(expected!.data))
})

test('NaNs stay NaN, with their sign, whatever their payload', () => {
  const nans = new Float32Array(new Uint32Array([0x7f800001, 0xff800001, 0x7fffffff, 0xffffffff, 0x7fc00000]).buffer)
  for (const dtype of ['F64', 'F32', 'F16', 'BF16'] satisfies FloatDtype[]) {
    expect(toFloat32(dtype, fromFloat32(nans, dtype)).every(Number.isNaN)).toBe(true)
  }
  expect(new Uint16Array(fromFloat32(nans, 'F16').buffer)).toEqual(
    Uint16Array.of(0x7e00, 0xfe00, 0x7fff, 0xffff, 0x7e00),
  )
  expect(new Uint16Array(fromFloat32(nans, 'BF16').buffer)).toEqual(
    Uint16Array.of(0x7fc0, 0xffc0, 0x7fff, 0xffff, 0x7fc0),
  )
})

test('whole numbers and truth values are read as floats', () => {
  expect(toFloat32('I64', bytesOf(BigInt64Array.of(-3n, 2n ** 40n)))).toEqual(Float32Array.of(-3, 2 ** 40))
  expect(toFloat32('U64', bytesOf(BigUint64Array.of(2n ** 63n)))).toEqual(Float32Array.of(2 ** 63))
  expect(toFloat32('I8', bytesOf(Int8Array.of(-1, 7)))).toEqual(Float32Array.of(-1, 7))
  expect(toFloat32('BOOL', Uint8Array.of(0, 1))).toEqual(Float32Array.of(0, 1))
  expect(toFloat32('F64', bytesOf(Float64Array.of(0.1, 1e300)))).toEqual(Float32Array.of(0.1, Infinity))
})

test('bytes at an odd place in their buffer are read all the same', () => {
  const shifted = new Uint8Array(9)
  shifted.set(bytesOf(Float32Array.of(1.5, -2)), 1)
  expect(toFloat32('F32', shifted.subarray(1))).toEqual(Float32Array.of(1.5, -2))
})

test('types without a number per element are refused', () => {
  for (const dtype of ['F4', 'F6_E2M3', 'C64', 'F8_E8M0'] as const) {
    expect(() => toFloat32(dtype, new Uint8Array(24))).toThrow(FormatError)
  }
})
