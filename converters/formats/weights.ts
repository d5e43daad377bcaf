import type { Dtype } from './dtypes.js'

/** A weight in a checkpoint. */
export interface WeightInfo {
  /** As it is stored; it is read as float32. */
  readonly dtype: Dtype
  readonly shape: readonly number[]
  /** Of the stored bytes. */
  readonly byteLength: number
}

/** The weights of a checkpoint, by name, whatever format they are stored in. Each is read when asked for. */
export interface Weights {
  /** The file they come from, for messages. */
  readonly location: string
  readonly tensors: ReadonlyMap<string, WeightInfo>
  /** The prefix that all names have in the file, where it is left out. */
  readonly takenOff?: string | undefined
  /**
   * A weight's elements as float32, in row-major order, in a new array.
   *
   * @param begin the first element wanted. Default: 0.
   * @param end the first one not wanted any more. Default: all.
   * @throws InputError for an unknown name.
   */
  read(name: string, begin?: number, end?: number): Promise<Float32Array<ArrayBuffer>>
}
