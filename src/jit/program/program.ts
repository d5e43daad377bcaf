/**
 * What the native engine runs: steps over buffers whose places are all known beforehand.
 *
 * @module
 */
import type { ValueCheck } from '../../backend/tracing.js'
import type { Attributes } from '../graph.js'
import { tables } from '../../backend/engine/tables.js'

/** Types in the engine's memory; bfloat16 exists nowhere else. */
export type ElementType = (typeof tables.dtypes)[number]

/** A part of a buffer; strides count elements, 0 repeats. */
export interface View {
  readonly buffer: number
  /** Elements before the first one. */
  readonly offset: number
  readonly dtype: ElementType
  readonly shape: readonly number[]
  readonly strides: readonly number[]
}

/** Where a buffer's memory comes from. */
export type BufferSource =
  | { readonly kind: 'argument'; readonly index: number }
  | { readonly kind: 'capture'; readonly index: number }
  | { readonly kind: 'constant'; readonly values: Float32Array | Int32Array | Uint8Array }
  /** Memory of the engine, reused by later buffers once the last step that reads this one has run. */
  | { readonly kind: 'arena'; readonly offset: number; readonly bytes: number }
  /** A tensor made anew at each run and handed to the caller. */
  | {
      readonly kind: 'result'
      readonly index: number
      readonly shape: readonly number[]
      readonly dtype: 'float32' | 'int32' | 'bool'
      /** Whether it becomes the value of a variable. */
      readonly isKept?: boolean
      /** The capture that it may be updated in place of, if no other tensor has its memory. */
      readonly over?: number
    }

export const { activations } = tables
export type ProductActivation = (typeof activations)[number]

/** c = activation(alpha · a·b + bias) + residual; `a` is `[…, m, k]`, `b` `[…, k, n]`, at most two batch dimensions. */
export interface ProductStep {
  readonly kind: 'product'
  readonly a: View
  readonly b: View
  readonly c: View
  readonly precision: 'float32' | 'bfloat16'
  readonly alpha: number
  readonly bias?: View
  readonly activation: ProductActivation
  readonly residual?: View
  /** Whether the engine may keep `b` in a layout of its own between runs (a captured variable that isn't assigned). */
  readonly keep: boolean
}

/** out = softmax(scale · q·kᵀ + mask)·v; all `[batch, heads, length, size]`. */
export interface AttentionStep {
  readonly kind: 'attention'
  readonly q: View
  readonly k: View
  readonly v: View
  readonly out: View
  readonly mask?: View
  readonly scale: number
  readonly precision: 'float32' | 'bfloat16'
}

/** Names of the operations of a fused elementwise kernel. */
export const elementwiseOps = tables.operations

/** Everything between two products in one pass over memory: a loop over `shape` whose last dimension is the row. */
export interface ElementwiseStep {
  readonly kind: 'elementwise'
  readonly shape: readonly number[]
  /** Strides for each dimension of `shape`. */
  readonly inputs: readonly View[]
  readonly outputs: readonly View[]
  readonly slots: number
  /** Five numbers an instruction: operation, to, a, b, c (`ElementwiseInstruction` in native/kernels/kernels.h). */
  readonly code: Int32Array
}

/** Any strides to any strides, converting the type. */
export interface CopyStep {
  readonly kind: 'copy'
  readonly from: View
  readonly to: View
}

/** Rows of `table` `[n, d]` by `indices` `[r]`. */
export interface GatherStep {
  readonly kind: 'gather'
  readonly table: View
  readonly indices: View
  readonly to: View
}

/** Sums the rows of `values` `[r, d]` that have the same number in `segments` `[r]` into `to` `[n, d]`. */
export interface SegmentSumStep {
  readonly kind: 'segmentSum'
  readonly values: View
  readonly segments: View
  readonly to: View
}

/** Ends the run with an error at the first value that isn't allowed; `value` is contiguous. */
export interface CheckStep extends ValueCheck {
  readonly kind: 'check'
  readonly value: View
}

/** Any other operation, run by TensorFlow; its operands are contiguous. */
export interface TensorFlowStep {
  readonly kind: 'tensorflow'
  readonly op: string
  readonly attributes: Attributes
  readonly inputs: readonly View[]
  readonly outputs: readonly View[]
}

export type Step =
  ProductStep | AttentionStep | ElementwiseStep | CopyStep | GatherStep | SegmentSumStep | TensorFlowStep | CheckStep

/** Steps in order, and the memory they work in. */
export interface Program {
  readonly buffers: readonly BufferSource[]
  readonly arenaBytes: number
  readonly steps: readonly Step[]
}
