/** An array of numbers with a shape, row-major: what tokenizers and image processors return, and models take. */
export interface NdArray<T extends Float32Array | Int32Array = Float32Array | Int32Array> {
  readonly data: T
  /** Its product is `data.length`. */
  readonly shape: readonly number[]
}
