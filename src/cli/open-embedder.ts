import type * as tf from '@tensorflow/tfjs'
import type { Siglip2Model } from '../models/siglip2/modeling.js'
import type { SiglipModel } from '../models/siglip/modeling.js'
import type { Siglip2Processor } from '../processor/siglip2-processor.js'
import type { SiglipProcessor } from '../processor/siglip-processor.js'
import { decodedImages } from './decoded-images.js'
import { limitThreads, type ModelOptions } from './model-options.js'
import { openCheckpoint } from './open-checkpoint.js'
import type { Session } from './session.js'
import { truncationReporter } from './truncation-reporter.js'

/** An input and its embedding. */
export type Embedded = readonly [name: string, embedding: Float32Array]

/** A model that embeds what a command names. */
export interface Embedder {
  readonly model: SiglipModel | Siglip2Model
  readonly processor: SiglipProcessor | Siglip2Processor
  /** Each image that can be decoded; the others are reported. */
  readonly images: (names: readonly string[]) => AsyncGenerator<Embedded>
  readonly texts: (texts: readonly string[]) => AsyncGenerator<Embedded>
  readonly dispose: () => void
}

/** Loads a checkpoint to embed with. @param options.normalize makes each embedding of length one */
export async function openEmbedder(
  folder: string,
  { normalize, precision, jit, backend, threads, revision }: ModelOptions & { readonly normalize?: boolean },
  session: Session,
): Promise<Embedder> {
  const { useBackend } = await import('../jit/use-backend.js')
  const { AutoModelForZeroShotImageClassification } = await import('../models/auto/auto-model.js')
  const { AutoProcessor } = await import('../processor/auto-processor.js')
  const { embedImages, embedTexts } = await import('../pipelines/embedder.js')
  limitThreads({ threads })
  await useBackend(backend)
  const { signal } = session
  const checkpoint = await openCheckpoint(folder, { revision }, session)
  const processor = await AutoProcessor.fromPretrained(checkpoint)
  const model = await AutoModelForZeroShotImageClassification.fromPretrained(checkpoint, { signal })
  const run = { normalize, signal, precision, jit, onTruncated: truncationReporter(session) }
  return {
    model,
    processor,
    images: (names) => {
      const decodedNames: string[] = []
      return named(
        taken(decodedNames),
        embedImages(model, processor, decodedImages(names, decodedNames, processor, session), run),
      )
    },
    texts: (texts) => named(texts.values(), embedTexts(model, processor, texts, run)),
    dispose: () => {
      model.dispose()
    },
  }
}

/** Takes names off a short list that grows while they are taken. */
function* taken(names: string[]): Generator<string> {
  for (;;) yield names.shift() ?? ''
}

/** The rows of batches, each with its name; `names` are there when their batch is. */
async function* named(names: Iterator<string>, batches: AsyncIterable<tf.Tensor2D>): AsyncGenerator<Embedded> {
  for await (const batch of batches) {
    const [count, width] = batch.shape
    const values = Float32Array.from(batch.dataSync())
    batch.dispose()
    for (let i = 0; i < count; i++) yield [String(names.next().value), values.subarray(i * width, (i + 1) * width)]
  }
}
