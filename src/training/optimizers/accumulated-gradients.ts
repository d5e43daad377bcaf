import * as tf from '@tensorflow/tfjs'
import { InputError } from '../../errors.js'

/** What the towers make of a batch, and any loss of it. */
export interface AccumulatedOptions<Batch> {
  /** The micro-batches of one large batch. */
  readonly batches: readonly Batch[]
  /**
   * The embeddings of a micro-batch: `[images, width]` and `[texts, width]`. It is called twice for each and must give the same both
   * times: a dropout has its seed.
   */
  readonly embed: (batch: Batch) => { readonly imageEmbeds: tf.Tensor2D; readonly textEmbeds: tf.Tensor2D }
  /** Of the embeddings of all micro-batches, one after the other. */
  readonly loss: (embeds: { readonly imageEmbeds: tf.Tensor2D; readonly textEmbeds: tf.Tensor2D }) => tf.Scalar
  /** By which the gradients are: `optimizer.variables`, or a model's parameters. */
  readonly variables: readonly tf.Variable[]
}

/**
 * The gradients of a contrastive loss over a batch that is larger than what fits into memory: all embeddings first, without what
 * their gradients would need; then the loss's gradient by the embeddings; then each micro-batch again, with its share of that gradient.
 * Equal to one batch, for one more forward pass.
 * Source: Gao et al. 2021, "Scaling Deep Contrastive Learning Batch Size under Memory Limited Setup" (GradCache), section 3.2.
 *
 * @returns the loss and the gradients by the variables' names, as `tf.variableGrads`; the caller's to dispose
 * @throws {InputError} for no batches
 */
export function accumulatedGradients<Batch>({ batches, embed, loss, variables }: AccumulatedOptions<Batch>): {
  value: tf.Scalar
  grads: tf.NamedTensorMap
} {
  if (batches.length === 0) throw new InputError('Missing batches', { expected: 'at least one batch', found: 'none' })
  return tf.tidy(() => {
    const embedded = batches.map((batch) =>
      tf.tidy(() => {
        const { imageEmbeds, textEmbeds } = embed(batch)
        return { imageEmbeds, textEmbeds }
      }),
    )
    const imageEmbeds = tf.concat<tf.Tensor2D>(embedded.map((each) => each.imageEmbeds))
    const textEmbeds = tf.concat<tf.Tensor2D>(embedded.map((each) => each.textEmbeds))
    // With respect to the embeddings, and to the loss's own parameters: scale and bias.
    const { value, grads } = tf
      .engine()
      .gradients(() => loss({ imageEmbeds, textEmbeds }), [imageEmbeds, textEmbeds, ...variables], undefined, true)
    const [dImages, dTexts, ...own] = grads
    const sums = new Map(variables.map((variable, i) => [variable.name, own[i]]))

    const slopes = [
      split(
        dImages,
        embedded.map((each) => each.imageEmbeds),
      ),
      split(
        dTexts,
        embedded.map((each) => each.textEmbeds),
      ),
    ] as const
    for (const [i, batch] of batches.entries()) {
      const ofMicroBatch = tf.tidy(() => {
        const [images, texts] = [slopes[0][i], slopes[1][i]]
        return tf.variableGrads(() => {
          const embeds = embed(batch)
          const alongImages = images ? tf.sum(tf.mul(embeds.imageEmbeds, images)) : tf.scalar(0)
          return tf.add(alongImages, texts ? tf.sum(tf.mul(embeds.textEmbeds, texts)) : tf.scalar(0)).asScalar()
        }, [...variables]).grads
      })
      for (const [name, gradient] of Object.entries(ofMicroBatch)) {
        const before = sums.get(name)
        sums.set(name, before ? tf.add(before, gradient) : gradient)
        if (before) tf.dispose([before, gradient])
      }
    }
    const found = [...sums].flatMap(([name, gradient]) => (gradient ? [[name, gradient] as const] : []))
    return { value, grads: Object.fromEntries(found) }
  })
}

/** Splits into pieces as long as these; undefined stays undefined: a loss need not use the images. */
function split(gradient: tf.Tensor | undefined, like: readonly tf.Tensor2D[]): readonly (tf.Tensor2D | undefined)[] {
  return gradient
    ? tf.split<tf.Tensor2D>(
        gradient,
        like.map(({ shape }) => shape[0]),
      )
    : []
}
