import { elementCount } from './dtypes.js'

/** The strides of a tensor without gaps whose last axis moves fastest, in elements. */
export function rowMajor(shape: readonly number[]): number[] {
  return shape.map((_, axis) => elementCount(shape.slice(axis + 1)))
}

/** Whether elements with these strides follow each other in row-major order. */
export function isRowMajor(shape: readonly number[], strides: readonly number[]): boolean {
  const expected = rowMajor(shape)
  return shape.includes(0) || shape.every((length, axis) => length === 1 || strides[axis] === expected[axis])
}

/** The largest distance from the first element, −1 if there is none; not a safe integer if it is too large for one. */
export function lastIndex(shape: readonly number[], strides: readonly number[]): number {
  if (shape.includes(0)) return -1
  return shape.reduce((sum, length, axis) => sum + (length - 1) * (strides[axis] ?? NaN), 0)
}

/** The elements of a strided tensor in row-major order. A transposition is the axes' lengths and strides in another order. */
export function gather(
  data: Float32Array<ArrayBuffer>,
  shape: readonly number[],
  strides: readonly number[],
): Float32Array<ArrayBuffer> {
  const elements = new Float32Array(elementCount(shape))
  const rowLength = shape.at(-1) ?? 1
  const step = strides.at(-1) ?? 1
  const index = shape.slice(0, -1).fill(0)
  let rowStart = 0
  for (let at = 0; at < elements.length; at += rowLength) {
    for (let j = 0, from = rowStart; j < rowLength; j++, from += step) elements[at + j] = data[from] ?? 0
    // The next row: as a milometer turns.
    for (let axis = index.length - 1; axis >= 0; axis--) {
      const stride = strides[axis] ?? 0
      const position = (index[axis] ?? 0) + 1
      rowStart += stride
      index[axis] = position
      if (position < (shape[axis] ?? 0)) break
      rowStart -= stride * position
      index[axis] = 0
    }
  }
  return elements
}
