import { InputError } from '../../src/errors.js'
import { byteLength, dtypeBits, isShape, type Dtype, type TensorData } from './dtypes.js'
import { MAX_HEADER } from './safetensors-header.js'

/** A tensor in memory. */
export interface Tensor {
  readonly dtype: Dtype
  readonly shape: readonly number[]
  readonly data: TensorData
}

/** What comes before the data of a file, and the order of the tensors in it. */
export interface SafetensorsLayout {
  /** The length of the header and the header. */
  readonly head: Uint8Array<ArrayBuffer>
  /** The names of the tensors, as their data must follow the head. */
  readonly names: readonly string[]
}

/**
 * A safetensors file in pieces, equal byte for byte to what the Python library writes: `new Blob(pieces)`, or one after the other to
 * a file. Data are not copied.
 *
 * @throws InputError if a tensor's data don't fit its type and shape, a name is not allowed, or the header takes more than 100 MB.
 */
export function serializeSafetensors(
  tensors: ReadonlyMap<string, Tensor>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer>[] {
  const { head, names } = layoutSafetensors(tensors, metadata)
  const data = names.map((name) => {
    const tensor = tensors.get(name)
    const expected = tensor && byteLength(tensor.dtype, tensor.shape)
    if (tensor && tensor.data.byteLength === expected) {
      return new Uint8Array(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength)
    }
    throw new InputError('The data do not fit the shape', {
      expected: `${expected} bytes for ${tensor?.dtype} [${tensor?.shape.join(', ')}]`,
      found: `${tensor?.data.byteLength} bytes`,
      where: `tensor ${JSON.stringify(name)}`,
    })
  })
  return [head, ...data]
}

/** The head of a file with these tensors, for writers that make the data one tensor at a time. */
export function layoutSafetensors(
  tensors: ReadonlyMap<string, { readonly dtype: Dtype; readonly shape: readonly number[] }>,
  metadata: Readonly<Record<string, string>> = {},
): SafetensorsLayout {
  const order = Object.keys(dtypeBits)
  const sorted = [...tensors].sort(
    ([nameA, a], [nameB, b]) => order.indexOf(a.dtype) - order.indexOf(b.dtype) || compareCodePoints(nameA, nameB),
  )
  let end = 0
  const entries = sorted.map(([name, { dtype, shape }]) => {
    const length = byteLength(dtype, shape)
    if (name === '__metadata__' || !isShape(shape) || !Number.isSafeInteger(length)) {
      throw new InputError(name === '__metadata__' ? 'The name is reserved by the format' : 'Invalid tensor shape', {
        found: `${dtype} [${shape.join(', ')}]`,
        where: `tensor ${JSON.stringify(name)}`,
      })
    }
    const begin = end
    end += length
    return [name, { dtype, shape, data_offsets: [begin, end] }] as const
  })
  const texts = Object.keys(metadata).length > 0 ? [['__metadata__', metadata] as const] : []
  // Written entry by entry: as an object's keys, names like "7" would move to the front.
  const json = [...texts, ...entries].map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`)
  const header = new TextEncoder().encode(`{${json.join(',')}}`)
  if (header.length > MAX_HEADER) {
    throw new InputError('The header is too long', {
      expected: `at most ${MAX_HEADER} bytes, which is what readers take`,
      found: `${header.length} bytes of ${tensors.size} tensors and the metadata`,
      hint: 'Write several files, or texts as tensors of bytes.',
    })
  }
  const padded = Math.ceil(header.length / 8) * 8 // so that the data begin at a multiple of 8
  const head = new Uint8Array(8 + padded).fill(0x20)
  new DataView(head.buffer).setBigUint64(0, BigInt(padded), true)
  head.set(header, 8)
  return { head, names: sorted.map(([name]) => name) }
}

/** The order of strings in Rust, which differs from JavaScript's where surrogate pairs meet U+E000 and above. */
function compareCodePoints(a: string, b: string): number {
  let i = 0
  while (i < a.length && a[i] === b[i]) i++
  return (a.codePointAt(i) ?? -1) - (b.codePointAt(i) ?? -1)
}
