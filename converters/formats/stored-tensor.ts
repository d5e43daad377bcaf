import { InputError } from '../../src/errors.js'
import { readRange, type ByteSource } from '../../src/io/byte-source.js'
import { dtypeBits, elementCount, isShape, type Dtype } from './dtypes.js'
import { toFloat32 } from './float-conversion.js'
import { nearest } from './nearest.js'
import { widen } from './widen.js'
import { gather, isRowMajor, lastIndex } from './strides.js'
import type { WeightInfo, Weights } from './weights.js'

/** Elements of wide types that are read at once: with fewer, opening files and freeing blocks takes longer than reading. */
const BLOCK = 2 ** 22

/** The range of a tensor's elements in a file. The caller has checked that it is inside. */
export interface StoredTensor extends WeightInfo {
  readonly source: ByteSource
  /** Of the first element. */
  readonly byteOffset: number
  /** In elements, one for each axis. Default: row-major, without gaps. */
  readonly strides?: readonly number[]
  readonly isBigEndian?: boolean
}

/** Weights whose elements are stored in files. */
export function storedWeights(location: string, tensors: ReadonlyMap<string, StoredTensor>): Weights {
  return {
    location,
    tensors,
    async read(name, begin, end) {
      const tensor = tensors.get(name)
      if (tensor) return readStored(tensor, begin, end)
      throw unknownTensor(name, tensors.keys(), location)
    },
  }
}

/**
 * A tensor's elements as float32, in row-major order, in a new array. Types of 32 bits and fewer are read into that array
 * where the source can, wider ones block by block, so that there is no copy of the tensor in memory. Strides other than row-major cost
 * the tensor once more.
 *
 * @param begin the first element wanted. Default: 0.
 * @param end the first one not wanted any more. Default: all.
 * @throws InputError if the elements are out of range.
 */
export async function readStored(
  tensor: StoredTensor,
  begin = 0,
  end = elementCount(tensor.shape),
): Promise<Float32Array<ArrayBuffer>> {
  const { shape, strides } = tensor
  const count = elementCount(shape)
  if (!isShape([begin, end]) || begin > end || end > count) {
    throw new InputError('Elements out of range', {
      expected: `a range within 0 to ${count}`,
      found: `${begin} to ${end}`,
      where: tensor.source.name,
    })
  }
  if (strides === undefined || isRowMajor(shape, strides)) return readBlocks(tensor, begin, end)
  const all = gather(await readBlocks(tensor, 0, lastIndex(shape, strides) + 1), shape, strides)
  return begin === 0 && end === all.length ? all : all.slice(begin, end)
}

export function unknownTensor(name: string, names: Iterable<string>, where: string): InputError {
  const near = nearest(name, names)
  const hint = near === undefined ? undefined : `Did you mean ${JSON.stringify(near)}?`
  return new InputError('Tensor not found', { found: JSON.stringify(name), where, hint })
}

async function readBlocks(
  { source, dtype, byteOffset, isBigEndian = false }: StoredTensor,
  begin: number,
  end: number,
): Promise<Float32Array<ArrayBuffer>> {
  const width = dtypeBits[dtype] / 8
  const place = (index: number): number => byteOffset + index * width
  if (width <= Float32Array.BYTES_PER_ELEMENT) {
    const room = (end - begin) * Float32Array.BYTES_PER_ELEMENT
    const bytes = await readRange(source, place(begin), place(end), room)
    if (isBigEndian) swapBytes(bytes, dtype)
    return widen(dtype, bytes)
  }
  const floats = new Float32Array(end - begin)
  for (let from = begin; from < end; from += BLOCK) {
    const to = Math.min(from + BLOCK, end)
    const bytes = await readRange(source, place(from), place(to))
    if (isBigEndian) swapBytes(bytes, dtype)
    toFloat32(dtype, bytes, floats.subarray(from - begin, to - begin))
  }
  return floats
}

function swapBytes(bytes: Uint8Array, dtype: Dtype): void {
  const width = dtypeBits[dtype] / 8
  for (let i = 0; width > 1 && i < bytes.length; i += width) bytes.subarray(i, i + width).reverse()
}
