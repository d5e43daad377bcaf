import * as tf from '@tensorflow/tfjs'
import { InputError } from '../../errors.js'
import { readMatrix, type Matrix, type MatrixInput } from './matrix-input.js'
import { probabilityWithin, tiedRank } from './tied-rank.js'

/** What retrieval is measured on. */
export interface RetrievalInput {
  /** `[images, size]`, normalized for cosines. */
  readonly imageEmbeds: MatrixInput
  /** `[texts, size]`. */
  readonly textEmbeds: MatrixInput
  /** What each image shows: it goes with all texts of the same key. Default: its place. */
  readonly imageKeys?: ArrayLike<unknown>
  /** A key of each text; equal keys are the same text. Default: its index. */
  readonly textKeys?: ArrayLike<unknown>
  /** Default: [1, 5, 10]. */
  readonly ks?: readonly number[]
}

/** The share of queries that find something right among the first k, by k. */
export interface Recall {
  readonly recall: Readonly<Record<number, number>>
  /** Queries that there is something right for; the others are not counted. */
  readonly queries: number
}

/** Recall in both directions. */
export interface RetrievalRecall {
  readonly imageToText: Recall
  readonly textToImage: Recall
}

/** Scores that are in memory at a time. */
const MAX_SCORES = 2 ** 24

/**
 * Recall at k of images for texts and of texts for images. A query counts as found if anything that goes with it is among the
 * first k, as in the CLIP benchmarks' Flickr30k and COCO; equal scores count by the chance they give. Memory is linear in the number
 * of images and texts.
 *
 * @throws {InputError} for embeddings of different sizes or with NaN, and for another number of keys
 * @example
 *     // five captions for each image
 *     const textKeys = texts.map((_, i) => Math.floor(i / 5))
 *     const { imageToText } = await retrievalRecall({ imageEmbeds, textEmbeds, textKeys })
 *     imageToText.recall[1]
 */
export async function retrievalRecall(input: RetrievalInput): Promise<RetrievalRecall> {
  const { ks = [1, 5, 10] } = input
  const images = await readMatrix(input.imageEmbeds, 'imageEmbeds')
  const texts = await readMatrix(input.textEmbeds, 'textEmbeds')
  if (images.columns !== texts.columns) {
    throw new InputError('The embeddings have different sizes', {
      expected: `${images.columns}, as imageEmbeds`,
      found: String(texts.columns),
      where: 'textEmbeds',
    })
  }
  for (const k of ks) {
    if (!Number.isInteger(k) || k < 1) {
      throw new InputError('Invalid ks', { expected: 'whole numbers from 1', found: String(k) })
    }
  }
  const imageKeys = keysOf(input.imageKeys, images.rows, 'imageKeys')
  const textKeys = keysOf(input.textKeys, texts.rows, 'textKeys')
  return {
    imageToText: await recallOf(images, imageKeys, texts, textKeys, ks),
    textToImage: await recallOf(texts, textKeys, images, imageKeys, ks),
  }
}

async function recallOf(
  queries: Matrix,
  queryKeys: readonly unknown[],
  gallery: Matrix,
  galleryKeys: readonly unknown[],
  ks: readonly number[],
): Promise<Recall> {
  const found = new Float64Array(ks.length)
  let counted = 0
  const rows = Math.max(1, Math.floor(MAX_SCORES / gallery.rows))
  const candidates = tf.tensor2d(gallery.data, [gallery.rows, gallery.columns])
  try {
    for (let first = 0; first < queries.rows; first += rows) {
      const scores = await scoresOf(queries, first, Math.min(first + rows, queries.rows), candidates)
      for (let row = 0; row * gallery.rows < scores.length; row++) {
        const key = queryKeys[first + row]
        const rank = tiedRank(
          scores.subarray(row * gallery.rows, (row + 1) * gallery.rows),
          (i) => galleryKeys[i] === key,
        )
        if (rank.right === 0) continue
        counted++
        for (const [i, k] of ks.entries()) found[i] = (found[i] ?? 0) + probabilityWithin(k, rank)
      }
    }
  } finally {
    candidates.dispose()
  }
  const shares = ks.map((k, i) => [k, counted === 0 ? 0 : (found[i] ?? 0) / counted] as const)
  return { recall: Object.fromEntries(shares), queries: counted }
}

/** Of some queries, with all candidates. */
async function scoresOf(queries: Matrix, first: number, end: number, candidates: tf.Tensor2D): Promise<Float32Array> {
  const { data, columns } = queries
  const scores = tf.tidy(() => {
    const block = tf.tensor2d(data.subarray(first * columns, end * columns), [end - first, columns])
    return tf.matMul(block, candidates, false, true)
  })
  try {
    return await scores.data<'float32'>()
  } finally {
    scores.dispose()
  }
}

function keysOf(keys: ArrayLike<unknown> | undefined, rows: number, where: string): readonly unknown[] {
  if (keys === undefined) return Array.from({ length: rows }, (_, i) => i)
  if (keys.length === rows) return Array.from(keys)
  throw new InputError(`Invalid ${where}`, { expected: `one for each of ${rows} rows`, found: String(keys.length) })
}
