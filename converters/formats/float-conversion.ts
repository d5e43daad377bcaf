import { FormatError } from '../../src/errors.js'
import { dtypeBits, viewAs, type Dtype } from './dtypes.js'

/** The types that floats can be written as. */
export type FloatDtype = 'F64' | 'F32' | 'F16' | 'BF16'

export function isFloatDtype(dtype: Dtype): dtype is FloatDtype {
  return dtype === 'F64' || dtype === 'F32' || dtype === 'F16' || dtype === 'BF16'
}

/**
 * The elements in `bytes` as float32: exact for every type of 32 bits or fewer but wide integers, and rounded to the nearest
 * otherwise. NaNs keep sign and payload.
 *
 * @param out where to write them; without it float32 bytes are viewed in place, and other types are converted into a new array.
 * @throws FormatError for types that have no single number per element or byte: F4, F6, C64, and the rarer F8 types.
 */
export function toFloat32(
  dtype: Dtype,
  bytes: Uint8Array<ArrayBuffer>,
  out?: Float32Array<ArrayBuffer>,
): Float32Array<ArrayBuffer> {
  const data = viewAs(dtype, bytes)
  const { buffer, byteOffset, length } = data
  if (dtype === 'F32' && out === undefined) return new Float32Array(buffer, byteOffset, length)
  const floats = out ?? new Float32Array(length)
  const bits = new Uint32Array(floats.buffer, floats.byteOffset, floats.length)
  switch (dtype) {
    case 'F16':
      lookUp(tableOf(dtype), new Uint16Array(buffer, byteOffset, length), bits)
      break
    case 'F8_E4M3':
    case 'F8_E5M2':
      lookUp(tableOf(dtype), new Uint8Array(buffer, byteOffset, length), bits)
      break
    case 'BF16':
      widenBrains(new Uint16Array(buffer, byteOffset, length), bits)
      break
    case 'F32':
    case 'F64':
    case 'U64':
    case 'I64':
    case 'U32':
    case 'I32':
    case 'U16':
    case 'I16':
    case 'U8':
    case 'I8':
    case 'BOOL':
      for (let i = 0; i < floats.length; i++) floats[i] = Number(data[i])
      break
    default:
      throw new FormatError(`Elements of type ${dtype} can’t be read as floats`, {
        hint: 'Read them as bytes, or convert the file where it was made.',
      })
  }
  return floats
}

/**
 * Floats as bytes of another type: rounded to the nearest, ties to even; overflow becomes infinite. Float32 is not copied.
 */
export function fromFloat32(values: Float32Array<ArrayBuffer>, dtype: FloatDtype): Uint8Array<ArrayBuffer> {
  if (dtype === 'F32') return new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
  if (dtype === 'F64') return new Uint8Array(Float64Array.from(values).buffer)
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length)
  const codes = new Uint16Array(values.length)
  if (dtype === 'F16') for (let i = 0; i < codes.length; i++) codes[i] = halfOf(bits[i] ?? 0)
  else for (let i = 0; i < codes.length; i++) codes[i] = brainOf(bits[i] ?? 0)
  return new Uint8Array(codes.buffer)
}

/** Codes are read by twos where they lie so: it takes half the time. */
function widenBrains(codes: Uint16Array, bits: Uint32Array): void {
  const pairs = codes.byteOffset % 4 === 0 ? codes.length >>> 1 : 0
  const two = new Int32Array(codes.buffer, codes.byteOffset - (codes.byteOffset % 4), pairs)
  for (let i = 0; i < pairs; i++) {
    const pair = two[i] ?? 0
    bits[2 * i] = pair << 16
    bits[2 * i + 1] = pair & 0xffff0000
  }
  for (let i = 2 * pairs; i < codes.length; i++) bits[i] = (codes[i] ?? 0) << 16
}

function lookUp(table: Uint32Array, codes: Uint16Array | Uint8Array, bits: Uint32Array): void {
  for (let i = 0; i < bits.length; i++) bits[i] = table[codes[i] ?? 0] ?? 0
}

/** The float16 nearest to a float32, both as bits. */
function halfOf(bits: number): number {
  const sign = (bits >>> 16) & 0x8000
  const size = bits & 0x7fffffff
  if (size > 0x7f800000) return sign | 0x7e00 | ((size >>> 13) & 0x3ff) // NaN, made quiet
  if (size >= 0x477ff000) return sign | 0x7c00 // 65520 and above: infinity
  if (size >= 0x38800000) return sign | roundAway(size - 0x38000000, 13) // the exponent's bias is 112 less
  const exponent = size >>> 23
  if (exponent < 102) return sign // below half of the smallest subnormal, 2⁻²⁴
  return sign | roundAway((size & 0x7fffff) | 0x800000, 126 - exponent)
}

/** The bfloat16 nearest to a float32, both as bits. */
function brainOf(bits: number): number {
  if ((bits & 0x7fffffff) > 0x7f800000) return (bits >>> 16) | 0x40 // NaN, made quiet
  return roundAway(bits >>> 0, 16)
}

/** Drops the lowest bits of a number, rounding to the nearest and ties to even. */
function roundAway(bits: number, dropped: number): number {
  const odd = (bits >>> dropped) & 1
  return ((bits + (2 ** (dropped - 1) - 1) + odd) / 2 ** dropped) | 0
}

type SmallFloat = 'F16' | 'F8_E4M3' | 'F8_E5M2'
const tables = new Map<SmallFloat, Uint32Array>()

/** The float32 bits of every code of a small float type. */
function tableOf(dtype: SmallFloat): Uint32Array {
  const known = tables.get(dtype)
  if (known) return known
  const mantissaBits = { F16: 10, F8_E4M3: 3, F8_E5M2: 2 }[dtype]
  const width = dtypeBits[dtype]
  const exponents = 2 ** (width - 1 - mantissaBits)
  const bias = exponents / 2 - 1
  const table = Float32Array.from({ length: 2 ** width }, (_, code) => {
    const mantissa = (code % 2 ** mantissaBits) / 2 ** mantissaBits
    const exponent = Math.floor(code / 2 ** mantissaBits) % exponents
    const size = exponent === 0 ? mantissa * 2 ** (1 - bias) : (1 + mantissa) * 2 ** (exponent - bias)
    return code < 2 ** (width - 1) ? size : -size
  })
  const bits = new Uint32Array(table.buffer)
  for (let code = 0; code < bits.length; code++) {
    const sign = code < bits.length / 2 ? 0 : 0x80000000
    const mantissa = code % 2 ** mantissaBits
    const isTop = Math.floor(code / 2 ** mantissaBits) % exponents === exponents - 1
    // E4M3 has no infinity, and NaN only where every bit is set.
    if (isTop && (dtype !== 'F8_E4M3' || mantissa === 7))
      bits[code] = sign + 0x7f800000 + mantissa * 2 ** (23 - mantissaBits)
  }
  tables.set(dtype, bits)
  return bits
}
