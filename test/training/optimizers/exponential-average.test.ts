import * as tf from '@tensorflow/tfjs'
import { InputError } from '../../../src/errors.js'
import { SiglipModel } from '../../../src/models/siglip/modeling.js'
import { ExponentialAverage } from '../../../src/training/optimizers/exponential-average.js'
import { onEachBackend } from '../../backends.js'
import { tiny } from '../../tiny-models.js'

onEachBackend(() => {
  it('follows the parameters, and a model takes it over', () => {
    const model = new SiglipModel(tiny, { seed: 1 })
    const bias = model.namedParameters().get('logit_bias')!
    const average = new ExponentialAverage(model.namedParameters(), 0.75)
    for (const value of [4, 8]) {
      bias.assign(tf.tensor1d([value]))
      average.update()
    }
    // 0 → 0.25 · 4 = 1 → 0.75 · 1 + 0.25 · 8
    expect(average.state().get('logit_bias')?.dataSync()[0]).toBeCloseTo(2.75, 6)
    model.loadStateDict(average.state())
    expect(bias.dataSync()[0]).toBeCloseTo(2.75, 6)

    const other = new ExponentialAverage(model.namedParameters(), 0.75)
    bias.assign(tf.tensor1d([0]))
    other.loadState(average.state())
    other.update()
    expect(other.state().get('logit_bias')?.dataSync()[0]).toBeCloseTo(0.75 * 2.75, 6)
    other.dispose()
    average.dispose()
    model.dispose()
  })

  it('refuses a decay of 1', () => {
    expect(() => new ExponentialAverage(new Map(), 1)).toThrow(InputError)
  })
})
