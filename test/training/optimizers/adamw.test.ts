import * as tf from '@tensorflow/tfjs'
import { InputError } from '../../../src/errors.js'
import { AdamW } from '../../../src/training/optimizers/adamw.js'
import { onEachBackend } from '../../backends.js'
import { leaked } from '../../leaks.js'

onEachBackend(() => {
  it('takes the step that the formula says', () => {
    const x = tf.variable(tf.tensor1d([1, -2]))
    const optimizer = new AdamW({ learningRate: 0.1, betas: [0.5, 0.75], eps: 0, weightDecay: 0.5 })
    const minimize = () => optimizer.minimize(() => tf.sum(tf.square(x)))
    minimize()
    // first step: mean / root = sign of the gradient; decay 1 − 0.1 · 0.5
    expect([...x.dataSync()].map((v) => v.toFixed(5))).toEqual(['0.85000', '-1.80000'])
    minimize()
    // second: m̂ = (0.5·g₁ + g₂)/1.5, v̂ = (0.75·g₁² + g₂²)/1.75, with g₁ = 2, g₂ = 1.7
    const root = Math.sqrt((0.75 * 4 + 1.7 ** 2) / 1.75)
    expect(x.dataSync()[0]).toBeCloseTo(0.85 * 0.95 - (0.1 * ((0.5 * 2 + 1.7) / 1.5)) / root, 5)
    optimizer.dispose()
    x.dispose()
  })

  it('trains a tf.model, and leaves no tensor behind when all is disposed', async () => {
    const run = async () => {
      const model = tf.sequential({
        layers: [tf.layers.dense({ units: 1, inputShape: [2], kernelInitializer: 'zeros' })],
      })
      const optimizer = new AdamW({ learningRate: 0.1 })
      model.compile({ optimizer, loss: 'meanSquaredError' })
      const [x, y] = [tf.ones([4, 2]), tf.ones([4, 1])]
      const { history } = await model.fit(x, y, { epochs: 20 })
      const losses = history['loss'] as number[]
      expect(losses.at(-1)).toBeLessThan(losses[0]! / 2)
      model.dispose()
      optimizer.dispose()
      tf.dispose([x, y])
    }
    await run() // the first one leaves what tfjs itself keeps
    expect(await leaked(run)).toBe(0)
  })

  it.each([
    { learningRate: NaN },
    { learningRate: -1 },
    { eps: -1e-8 },
    { weightDecay: Infinity },
    { betas: [0.9, 1] as const },
  ])('refuses %j', (settings) => {
    expect(() => new AdamW(settings)).toThrow(InputError)
  })

  it('says its settings', () => {
    const settings = { learningRate: 0.1, betas: [0.8, 0.9] as const, eps: 1e-7, weightDecay: 0.2 }
    const optimizer = AdamW.fromConfig(AdamW, new AdamW(settings).getConfig())
    expect(optimizer.getConfig()).toEqual(settings)
  })
})
