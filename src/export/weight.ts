import type { DataType } from '../jit/graph.js'

/** A tensor that goes into an exported file. */
export interface Weight {
  /** As transformers names it. */
  readonly name: string
  readonly dtype: DataType
  readonly shape: readonly number[]
  /** Read when it is written, so that not all are in memory twice. */
  readonly bytes: () => Uint8Array
}
