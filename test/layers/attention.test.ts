import * as tf from '@tensorflow/tfjs'
import { ParameterScope } from '../../src/layers/module.js'
import { additiveMask, SiglipAttention } from '../../src/layers/attention.js'
import { SiglipEncoder } from '../../src/layers/encoder.js'
import { onEachBackend } from '../backends.js'
import { deviation } from '../fixture.js'

const make = (attentionDropout: number) =>
  new SiglipAttention({ hiddenSize: 8, numAttentionHeads: 2, attentionDropout }, { scope: ParameterScope.random(1) })
const hidden = () => tf.randomNormal<tf.Rank.R3>([2, 6, 8], 0, 1, 'float32', 9)

onEachBackend(() => {
  let open: tf.layers.Layer[] = []
  beforeEach(() => {
    open = []
    tf.engine().startScope()
  })
  afterEach(() => {
    tf.engine().endScope()
    for (const layer of open) layer.dispose()
  })
  const attention = (dropout: number) => {
    const layer = make(dropout)
    open.push(layer)
    return layer
  }

  describe('dropout of attention weights', () => {
    it.each([0, 1, 12345])('drops the same ones with the same seed: %d', (dropoutSeed) => {
      const layer = attention(0.5)
      const run = () => layer.forward(hidden(), undefined, { training: true, dropoutSeed }).attnWeights
      expect(deviation(run(), run())).toBe(0)
    })

    it('drops others with another seed, and without one each time', () => {
      const layer = attention(0.5)
      const run = (dropoutSeed?: number) =>
        layer.forward(hidden(), undefined, { training: true, dropoutSeed }).attnWeights
      expect(deviation(run(1), run(2))).toBeGreaterThan(0.01)
      expect(deviation(run(), run())).toBeGreaterThan(0.01)
    })

    it('is off outside training and at a rate of 0', () => {
      const x = hidden()
      const without = attention(0).forward(x).attnWeights
      expect(deviation(attention(0.5).forward(x).attnWeights, without)).toBe(0)
      expect(deviation(attention(0).forward(x, undefined, { training: true }).attnWeights, without)).toBe(0)
    })

    it('keeps the expectation', () => {
      const layer = attention(0.3)
      const x = hidden()
      const whole = layer.forward(x).attnWeights
      const runs = Array.from({ length: 400 }, (_, dropoutSeed) =>
        tf.tidy(() => layer.forward(x, undefined, { training: true, dropoutSeed }).attnWeights),
      )
      const kept = tf.mean(tf.cast(tf.greater(tf.stack(runs), 0), 'float32')).arraySync()
      expect(kept).toBeGreaterThan(0.69)
      expect(kept).toBeLessThan(0.71)
      // 400 samples of a weight w have a deviation of w·√(0.3/0.7/400) ≈ 0.033·w, and w stays below 1
      expect(deviation(tf.mean(tf.stack(runs), 0), whole)).toBeLessThan(5 * 0.033)
      const sums: tf.Tensor = tf.sum(tf.mean(tf.stack(runs), 0))
      expect(deviation(sums, tf.sum(whole))).toBeLessThan(0.02)
    })

    it('of all of them leaves the bias', () => {
      const { attnOutput, attnWeights } = attention(1).forward(hidden(), undefined, { training: true })
      expect(Math.max(...attnWeights.dataSync())).toBe(0)
      expect(Math.max(...tf.abs(attnOutput).dataSync())).toBe(0)
    })

    it('differs from layer to layer', () => {
      const config = { hiddenSize: 8, intermediateSize: 8, numHiddenLayers: 2, numAttentionHeads: 2 }
      const rest = { hiddenAct: 'gelu', layerNormEps: 1e-6, attentionDropout: 0.5 }
      const encoder = new SiglipEncoder({ ...config, ...rest })
      open.push(encoder)
      const options = { training: true, dropoutSeed: 1, outputAttentions: true }
      const { attentions = [] } = encoder.forward(hidden(), undefined, options)
      const dropped = attentions.map((weights) => tf.cast(tf.equal(weights, 0), 'float32'))
      expect(deviation(dropped[0]!, dropped[1]!)).toBeGreaterThan(0)
    })
  })

  it('does not see what is masked, and sees everything alike where nothing is left', () => {
    const mask = additiveMask(
      tf.tensor2d([
        [1, 1, 0, 1, 0, 0],
        [0, 0, 0, 0, 0, 0],
      ]),
    )
    const { attnWeights } = attention(0).forward(hidden(), mask)
    const [first, second] = tf.unstack(attnWeights) // [heads, length, length]
    const seen = tf.max(first!, [0, 1]).arraySync() as number[]
    expect(seen.map((weight) => weight > 0)).toEqual([true, true, false, true, false, false])
    expect(deviation(second!, tf.fill(second!.shape, 1 / 6))).toBeLessThan(1e-6)
  })
})
