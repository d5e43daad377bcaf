import * as tf from '@tensorflow/tfjs'
import { checkSetting } from '../check-setting.js'
import { loadState } from './load-state.js'
import { moveAverage } from './moving-average.js'

/**
 * Averages of parameters over the steps of a training, which often do better than the last ones (Polyak and Juditsky 1992), as torch's
 * `swa_utils.get_ema_multi_avg_fn`: decay · average + (1 − decay) · parameter. They start as the parameters are.
 *
 * `model.loadStateDict(average.state())` takes them over.
 */
export class ExponentialAverage {
  readonly #decay: number
  readonly #parameters: ReadonlyMap<string, tf.Variable>
  readonly #averages: ReadonlyMap<string, tf.Variable>

  /**
   * @param parameters as `model.namedParameters()` has them
   * @param decay how much of the average is kept at each step
   * @throws {InputError} for a decay that is not from 0 to below 1
   */
  constructor(parameters: ReadonlyMap<string, tf.Variable>, decay = 0.999) {
    checkSetting('decay', decay, 1)
    this.#decay = decay
    this.#parameters = new Map(parameters)
    this.#averages = new Map(
      [...parameters].map(([name, variable]) => [name, tf.tidy(() => tf.variable(tf.clone(variable), false))]),
    )
  }

  /** Moves the averages towards the parameters: after each step. */
  update(): void {
    for (const [name, average] of this.#averages) {
      const parameter = this.#parameters.get(name)
      if (parameter) tf.tidy(() => moveAverage(average, parameter, this.#decay))
    }
  }

  /** The averages under the parameters' names. The variables stay its own. */
  state(): ReadonlyMap<string, tf.Variable> {
    return this.#averages
  }

  /** @throws {WeightsError} if it is a state of something else */
  loadState(state: ReadonlyMap<string, tf.Tensor>): void {
    loadState(this.#averages, state, 'ExponentialAverage')
  }

  /** Frees the averages. */
  dispose(): void {
    tf.dispose([...this.#averages.values()])
  }
}
