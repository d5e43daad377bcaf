import * as tf from '@tensorflow/tfjs'
import { InputError } from '../../../src/errors.js'
import { SiglipModel, unitLength } from '../../../src/models/siglip/modeling.js'
import { accumulatedGradients } from '../../../src/training/optimizers/accumulated-gradients.js'
import { sigmoidLoss, type LossInputs } from '../../../src/training/losses/sigmoid-loss.js'
import { softmaxLoss } from '../../../src/training/losses/softmax-loss.js'
import { onEachBackend } from '../../backends.js'
import { deviation } from '../../fixture.js'
import { leaked } from '../../leaks.js'
import { tiny, tinyIds, tinyPixels } from '../../tiny-models.js'

onEachBackend(() => {
  const model = () => new SiglipModel(tiny, { seed: 1, logits: { batchSize: 5 } })

  describe.each([
    ['sigmoid', sigmoidLoss],
    ['softmax', softmaxLoss],
    ['texts only', ({ textEmbeds }: LossInputs) => tf.sum<tf.Scalar>(tf.square(tf.sub(textEmbeds, 1)))],
  ] as const)('%s', (_, lossOf: (inputs: LossInputs) => tf.Scalar) => {
    it('has the gradients of one batch, and leaves nothing else behind', async () => {
      const siglip = model()
      const named = siglip.namedParameters()
      const [logitScale, logitBias] = [named.get('logit_scale')!, named.get('logit_bias')!]
      const [ids, pixels] = [tinyIds(5), tinyPixels(5)]
      const embed = (batch: { ids: tf.Tensor2D; pixels: tf.Tensor4D }) => ({
        imageEmbeds: unitLength(siglip.getImageFeatures({ pixelValues: batch.pixels }).poolerOutput),
        textEmbeds: unitLength(siglip.getTextFeatures({ inputIds: batch.ids }).poolerOutput),
      })
      const loss = (embeds: ReturnType<typeof embed>) => lossOf({ ...embeds, logitScale, logitBias })
      const variables = [...named.values()]

      const whole = tf.variableGrads(() => tf.tidy(() => loss(embed({ ids, pixels }))), variables)
      const sizes = [2, 1, 2]
      const [idParts, pixelParts] = [tf.split<tf.Tensor2D>(ids, sizes), tf.split<tf.Tensor4D>(pixels, sizes)]
      const batches = sizes.map((_, i) => ({ ids: idParts[i]!, pixels: pixelParts[i]! }))
      const parts = accumulatedGradients({ batches, embed, loss, variables })
      expect(deviation(parts.value, whole.value)).toBeLessThan(1e-5)
      expect(Object.keys(parts.grads).sort()).toEqual(Object.keys(whole.grads).sort())
      for (const [name, gradient] of Object.entries(parts.grads))
        expect([name, deviation(gradient, whole.grads[name]!) < 1e-5]).toEqual([name, true])

      expect(await leaked(() => accumulatedGradients({ batches, embed, loss, variables }))).toBe(0)
      tf.dispose([whole, parts, ids, pixels, idParts, pixelParts])
      siglip.dispose()
    })
  })

  it('refuses no batches', () => {
    const fail = (): never => {
      throw new Error('not called')
    }
    expect(() => accumulatedGradients({ batches: [], embed: fail, loss: fail, variables: [] })).toThrow(InputError)
  })
})
