import type { ImageInput } from '../../image/decode/image-input.js'

/** An image and its captions. */
export interface Sample {
  /** Names it for good: a file of a folder, `shard.tar:key`. */
  readonly key: string
  /** The image: its path, which a worker thread can read itself, or its bytes. */
  readonly open: () => ImageInput | Promise<ImageInput>
  /** At least one. */
  readonly captions: readonly string[]
  /** Its class, where the data has classes. */
  readonly label?: string
  /** Further fields of the data, by column. */
  readonly fields?: Readonly<Record<string, unknown>>
}

/**
 * Training data. It comes in one or more pools: the samples of a pool, without their images, are in memory together, and
 * shuffled together.
 */
export interface TrainingData {
  /** The names of the files that the samples are packed in, in their order, where there are such. */
  readonly shards?: readonly string[] | undefined
  /**
   * A pool's samples, always in the same order; undefined after the last pool.
   *
   * @param place from 0
   * @param order puts `count` things in an order for this epoch: which shards a pool is made of may depend on it
   */
  pool(place: number, order: (count: number) => Int32Array): Promise<readonly Sample[] | undefined>
}

/** Samples that are in memory, as data to train on. */
export function listedData(samples: readonly Sample[]): TrainingData {
  return { pool: (place) => Promise.resolve(place === 0 ? samples : undefined) }
}
