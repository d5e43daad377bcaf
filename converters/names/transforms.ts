import { elementCount } from '../formats/dtypes.js'

/** How the axes of a weight in a format become those of the same weight in transformers, and back. */
export interface Transform {
  /** The format's axes, some of them seen as one, before they are reordered; `undefined` if there are more or fewer than expected. */
  readonly group: (shape: readonly number[]) => readonly number[] | undefined
  /** Which of the grouped axes each axis of transformers is. */
  readonly axes: readonly number[]
  /** The format's axes from the grouped ones. */
  readonly ungroup: (grouped: readonly number[], heads: number) => readonly number[]
}

const ofRank =
  (rank: number, group: (shape: readonly number[]) => readonly number[] = (shape) => shape): Transform['group'] =>
  (shape) =>
    shape.length === rank ? group(shape) : undefined

const at = (shape: readonly number[], axis: number): number => shape[axis] ?? 0

/** A vector. */
export const vector: Transform = { group: ofRank(1), axes: [0], ungroup: (grouped) => grouped }

/** A matrix whose axes have the same order in both. */
export const matrix: Transform = { group: ofRank(2), axes: [0, 1], ungroup: (grouped) => grouped }

/** Three axes in the same order. */
export const cube: Transform = { group: ofRank(3), axes: [0, 1, 2], ungroup: (grouped) => grouped }

/** A single number: none or one axis in the format, one in transformers. */
export const scalar: Transform = {
  group: (shape) => (elementCount(shape) === 1 ? [1] : undefined),
  axes: [0],
  ungroup: () => [],
}

/** A batch of one matrix, `[1, rows, columns]`. */
export const batchOfOne: Transform = {
  group: (shape) => (shape.length === 3 && shape[0] === 1 ? shape.slice(1) : undefined),
  axes: [0, 1],
  ungroup: (grouped) => [1, ...grouped],
}

/** A linear layer of JAX: `[in, out]`. */
export const kernel: Transform = { group: ofRank(2), axes: [1, 0], ungroup: (grouped) => grouped }

/** The projection to attention heads of JAX: `[in, heads, size]`. */
export const toHeads: Transform = {
  group: ofRank(3, (shape) => [at(shape, 0), at(shape, 1) * at(shape, 2)]),
  axes: [1, 0],
  ungroup: (grouped, heads) => [at(grouped, 0), heads, at(grouped, 1) / heads],
}

/** The bias of the projection to attention heads of JAX: `[heads, size]`. */
export const headsBias: Transform = {
  group: ofRank(2, (shape) => [at(shape, 0) * at(shape, 1)]),
  axes: [0],
  ungroup: (grouped, heads) => [heads, at(grouped, 0) / heads],
}

/** The projection from attention heads of JAX: `[heads, size, out]`. */
export const fromHeads: Transform = {
  group: ofRank(3, (shape) => [at(shape, 0) * at(shape, 1), at(shape, 2)]),
  axes: [1, 0],
  ungroup: (grouped, heads) => [heads, at(grouped, 0) / heads, at(grouped, 1)],
}

/** A convolution of torch, `[out, in, height, width]`. */
export const convolution: Transform = { group: ofRank(4), axes: [0, 1, 2, 3], ungroup: (grouped) => grouped }

/** A convolution of JAX: `[height, width, in, out]`. */
export const convolutionKernel: Transform = { group: ofRank(4), axes: [3, 2, 0, 1], ungroup: (grouped) => grouped }

/** Positions of a square grid as a matrix of one row each: big_vision's NaFlex keeps `[rows, columns, width]`. */
export const grid: Transform = {
  group: ofRank(3, (shape) => [at(shape, 0) * at(shape, 1), at(shape, 2)]),
  axes: [0, 1],
  ungroup: (grouped) => [Math.sqrt(at(grouped, 0)), Math.sqrt(at(grouped, 0)), at(grouped, 1)],
}

/** The same with an axis for a batch of one, as in timm's NaFlex. */
export const batchOfGrid: Transform = {
  group: (shape) => (shape.length === 4 && shape[0] === 1 ? grid.group(shape.slice(1)) : undefined),
  axes: grid.axes,
  ungroup: (grouped, heads) => [1, ...grid.ungroup(grouped, heads)],
}
