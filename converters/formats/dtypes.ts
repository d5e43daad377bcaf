/**
 * The element types of safetensors and their bits, in the order in which its Rust implementation stores tensors: widest first, so
 * that each begins at a multiple of its own size.
 */
export const dtypeBits = {
  U64: 64,
  I64: 64,
  F64: 64,
  /** Complex: real and imaginary part, 32 bits each. */
  C64: 64,
  F32: 32,
  U32: 32,
  I32: 32,
  BF16: 16,
  F16: 16,
  U16: 16,
  I16: 16,
  F8_E5M2FNUZ: 8,
  F8_E4M3FNUZ: 8,
  F8_E8M0: 8,
  F8_E4M3: 8,
  F8_E5M2: 8,
  I8: 8,
  U8: 8,
  F6_E3M2: 6,
  F6_E2M3: 6,
  F4: 4,
  BOOL: 8,
} as const

/** An element type by safetensors' name for it. */
export type Dtype = keyof typeof dtypeBits

/**
 * The elements of a tensor as JavaScript holds them. What it has no numbers for comes as it is stored: F16 and BF16 as 16-bit
 * codes, floats of 8 bits and fewer as bytes, C64 as pairs.
 */
export type TensorData =
  | Float64Array<ArrayBuffer>
  | Float32Array<ArrayBuffer>
  | BigUint64Array<ArrayBuffer>
  | BigInt64Array<ArrayBuffer>
  | Uint32Array<ArrayBuffer>
  | Int32Array<ArrayBuffer>
  | Uint16Array<ArrayBuffer>
  | Int16Array<ArrayBuffer>
  | Uint8Array<ArrayBuffer>
  | Int8Array<ArrayBuffer>

export function isDtype(name: unknown): name is Dtype {
  return typeof name === 'string' && Object.hasOwn(dtypeBits, name)
}

export function isShape(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0 && !Object.is(size, -0))
}

/** The product of a shape; not a safe integer if it is too large for one. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, length) => (Number.isSafeInteger(product) ? product * length : NaN), 1)
}

/** The bytes of a tensor; not a safe integer if the shape is too large, or its last byte would not be full. */
export function byteLength(dtype: Dtype, shape: readonly number[]): number {
  return (elementCount(shape) * dtypeBits[dtype]) / 8
}

/** Sees bytes as elements of a type. Only bytes at an odd place in their buffer are copied. */
export function viewAs(dtype: Dtype, bytes: Uint8Array<ArrayBuffer>): TensorData {
  const width = Math.ceil(dtypeBits[dtype] / 8)
  const { buffer, byteOffset, length } = bytes.byteOffset % width === 0 ? bytes : bytes.slice()
  switch (dtype) {
    case 'F64':
      return new Float64Array(buffer, byteOffset, length / 8)
    case 'F32':
    case 'C64':
      return new Float32Array(buffer, byteOffset, length / 4)
    case 'U64':
      return new BigUint64Array(buffer, byteOffset, length / 8)
    case 'I64':
      return new BigInt64Array(buffer, byteOffset, length / 8)
    case 'U32':
      return new Uint32Array(buffer, byteOffset, length / 4)
    case 'I32':
      return new Int32Array(buffer, byteOffset, length / 4)
    case 'F16':
    case 'BF16':
    case 'U16':
      return new Uint16Array(buffer, byteOffset, length / 2)
    case 'I16':
      return new Int16Array(buffer, byteOffset, length / 2)
    case 'I8':
      return new Int8Array(buffer, byteOffset, length)
    default:
      return new Uint8Array(buffer, byteOffset, length)
  }
}
