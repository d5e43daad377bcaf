import { FormatError, type ErrorDetail } from '../../src/errors.js'
import { readRange, type ByteSource } from '../../src/io/byte-source.js'
import { byteLength, elementCount, isShape, type Dtype } from './dtypes.js'
import { storedWeights, type StoredTensor } from './stored-tensor.js'
import { rowMajor } from './strides.js'
import type { Weights } from './weights.js'

/** The most that a header may take: one of many axes takes a hundred bytes. */
const MAX_HEADER = 65_536

/** numpy's names of types without their byte order. It doesn't know bfloat16, which JAX stores as two bytes of nothing: V2. */
const dtypes = new Map<string, Dtype>([
  ['f8', 'F64'],
  ['f4', 'F32'],
  ['f2', 'F16'],
  ['V2', 'BF16'],
  ['i8', 'I64'],
  ['i4', 'I32'],
  ['i2', 'I16'],
  ['i1', 'I8'],
  ['u8', 'U64'],
  ['u4', 'U32'],
  ['u2', 'U16'],
  ['u1', 'U8'],
  ['b1', 'BOOL'],
])

/**
 * Finds the array in a `.npy` file, in either byte order and either order of axes.
 *
 * @throws FormatError if the file is damaged, or an array of objects, texts or records.
 */
export async function openNpy(source: ByteSource): Promise<StoredTensor> {
  const start = await readRange(source, 0, Math.min(12, source.size))
  const view = new DataView(start.buffer, start.byteOffset, start.length)
  const version = start[6] ?? 0
  if (!isNpy(start) || start.length < 12 || version < 1 || version > 3) {
    throw damaged(source, { expected: 'an array of numpy, version 1 to 3' })
  }
  const begin = version === 1 ? 10 : 12
  const length = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true)
  if (length > MAX_HEADER)
    throw damaged(source, { expected: `a header of at most ${MAX_HEADER} bytes`, found: `${length}` })
  const header = new TextDecoder().decode(await readRange(source, begin, begin + length))
  const [byteOrder = '', type = ''] = /'descr': *'([<>|=]?)([a-zA-Z]\d+)'/.exec(header)?.slice(1) ?? []
  const order = /'fortran_order': *(True|False)/.exec(header)?.[1]
  const lengths = /'shape': *\(([\d, ]*)\)/.exec(header)?.[1]
  const dtype = dtypes.get(type)
  const shape = lengths
    ?.split(',')
    .filter((text) => text.trim() !== '')
    .map(Number)
  if (dtype === undefined || order === undefined || !isShape(shape)) {
    throw damaged(source, { expected: 'numbers, their order and their shape', found: header.trim().slice(0, 200) })
  }
  const size = byteLength(dtype, shape)
  if (begin + length + size !== source.size) {
    throw damaged(source, {
      expected: `${size} bytes for ${dtype} [${shape.join(', ')}]`,
      found: `${source.size - begin - length}`,
    })
  }
  return {
    source,
    dtype,
    shape,
    byteOffset: begin + length,
    byteLength: size,
    isBigEndian: byteOrder === '>',
    strides: order === 'True' ? shape.map((_, axis) => elementCount(shape.slice(0, axis))) : rowMajor(shape),
  }
}

/** Whether bytes begin as a `.npy` file does. */
export function isNpy(start: Uint8Array): boolean {
  return start[0] === 0x93 && new TextDecoder().decode(start.subarray(1, 6)) === 'NUMPY'
}

/** Opens the arrays of an `.npz` file, an archive of `.npy` files. @param files of the archive. */
export async function openNpz(files: ReadonlyMap<string, ByteSource>, where: string): Promise<Weights> {
  const tensors = new Map<string, StoredTensor>()
  for (const [name, source] of files) tensors.set(name.replace(/\.npy$/, ''), await openNpy(source))
  return storedWeights(where, tensors)
}

function damaged(source: ByteSource, detail: ErrorDetail): FormatError {
  return new FormatError('The file is not a numeric array', {
    where: source.name,
    hint: 'Fetch it again, or save it with numpy.save.',
    ...detail,
  })
}
