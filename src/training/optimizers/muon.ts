import * as tf from '@tensorflow/tfjs'
import { InputError } from '../../errors.js'
import { checkSetting } from '../check-setting.js'
import { moveAverage } from './moving-average.js'
import { Optimizer, type OptimizerOptions, type UpdateRule } from './optimizer.js'

/** Settings of {@link Muon}, with torch's defaults: learning rate 1e-3, weight decay 0.1. */
export interface MuonOptions extends OptimizerOptions {
  /** Decay of the mean of the gradients. Default: 0.95. */
  readonly momentum?: number | undefined
  /** Whether a step looks ahead along the momentum. Default: true. */
  readonly nesterov?: boolean | undefined
  /** Of Newton and Schulz's iteration. Default: 5. */
  readonly steps?: number | undefined
  /**
   * What the learning rate is multiplied by for a matrix `[rows, columns]`. `original`: √max(1, rows / columns). `matchRmsAdamw`:
   * 0.2 · √max(rows, columns), so that AdamW's learning rates fit (Liu et al. 2025, section 2.2). Default: `original`.
   */
  readonly adjust?: 'original' | 'matchRmsAdamw' | undefined
}

/**
 * Momentum made orthogonal (Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural networks"), as `torch.optim.Muon`,
 * whose products are in bfloat16. It moves matrices: `parameters` are those of the encoders, the rest is another optimizer's.
 * @throws {InputError} for a parameter that is not a matrix, and for settings out of range
 */
export class Muon extends Optimizer<'momentum_buffer'> {
  static readonly className = 'Muon'

  constructor(options: MuonOptions = {}) {
    const { learningRate = 1e-3, weightDecay = 0.1 } = options
    const { momentum = 0.95, nesterov = true, steps = 5, adjust = 'original' } = options
    checkSetting('momentum', momentum, 1)
    checkSetting('steps', steps, 100)
    super(
      { learningRate, weightDecay, momentum, nesterov, steps, adjust },
      options,
      muon({ momentum, nesterov, steps, adjust }),
    )
  }
}

const muon = ({
  momentum,
  nesterov,
  steps,
  adjust,
}: Required<Pick<MuonOptions, 'nesterov' | 'adjust'>> & {
  readonly momentum: number
  readonly steps: number
}): UpdateRule<'momentum_buffer'> => ({
  slots: (shape, name) => {
    if (shape.length === 2) return [['momentum_buffer', shape]]
    const hint = 'Give Muon the matrices of the encoders and another optimizer the rest.'
    throw new InputError('Muon moves matrices', {
      expected: 'two dimensions',
      found: `${shape.length}`,
      where: name,
      hint,
    })
  },
  atStep: (_, turns) => {
    const aheads = turns.map(({ gradient, kept }) =>
      tf.tidy(() => {
        const average = moveAverage(kept('momentum_buffer'), gradient, momentum)
        return nesterov ? tf.add(tf.mul(gradient, 1 - momentum), tf.mul(average, momentum)) : average
      }),
    )
    const directions = orthogonalized(aheads as tf.Tensor2D[], steps)
    return (turn, place) => {
      const [rows = 1, columns = 1] = turn.variable.shape
      const adjusted =
        adjust === 'original' ? Math.sqrt(Math.max(1, rows / columns)) : 0.2 * Math.sqrt(Math.max(rows, columns))
      const direction = directions[place]
      if (!direction) throw new RangeError('a turn of another step')
      return tf.sub(turn.decayed(), tf.mul(tf.mul(turn.rate, adjusted), direction))
    }
  },
})

/** Larger stacks keep cores no busier, and take memory: 4 million numbers. */
const MAX_TOGETHER = 2 ** 22

/**
 * U·Vᵀ of matrices U·S·Vᵀ, nearly, by Newton and Schulz's iteration. Small ones of one size, lying or standing, go through it together:
 * many small products at once keep all cores busy.
 */
function orthogonalized(matrices: readonly tf.Tensor2D[], steps: number): readonly tf.Tensor2D[] {
  const directions = new Map<number, tf.Tensor2D>()
  for (const places of stacks(matrices)) {
    const found = tf.tidy(() => {
      const lying = places.flatMap((place) => matrices[place] ?? []).map(laid)
      return tf.unstack(iterated(tf.stack(lying) as tf.Tensor3D, steps)) as tf.Tensor2D[]
    })
    for (const [i, place] of places.entries()) {
      const direction = found[i]
      if (direction) directions.set(place, direction)
    }
  }
  return matrices.map((matrix, place) => {
    const direction = directions.get(place) ?? matrix
    return isTall(matrix) ? tf.transpose(direction) : direction
  })
}

const isTall = ({ shape: [rows, columns] }: tf.Tensor2D): boolean => rows > columns
const laid = (matrix: tf.Tensor2D): tf.Tensor2D => (isTall(matrix) ? tf.transpose(matrix) : matrix)

/** The places of matrices of one size, as many as go together. */
function stacks(matrices: readonly tf.Tensor2D[]): readonly (readonly number[])[] {
  const bySize = new Map<string, number[]>()
  for (const [place, { shape }] of matrices.entries()) {
    const size = [...shape].sort((a, b) => a - b).join()
    bySize.set(size, [...(bySize.get(size) ?? []), place])
  }
  return [...bySize.values()].flatMap((places) => {
    const count = Math.max(1, Math.floor(MAX_TOGETHER / (matrices[places[0] ?? 0]?.size ?? 1)))
    return Array.from({ length: Math.ceil(places.length / count) }, (_, i) => places.slice(i * count, (i + 1) * count))
  })
}

/** Coefficients of a quintic that lifts small singular values fast: all end up between 0.5 and 1.5 or so, none far from 1. */
const [A, B, C] = [3.4445, -4.775, 2.0315]

/** X ← A·X + B·(X·Xᵀ)·X + C·(X·Xᵀ)²·X, for each of `[matrices, rows, columns]`, which don't stand: X·Xᵀ is small then. */
function iterated(matrices: tf.Tensor3D, steps: number): tf.Tensor3D {
  let x = tf.tidy((): tf.Tensor3D => {
    const lengths = tf.sqrt(tf.sum(tf.square(matrices), [1, 2], true))
    return tf.div(matrices, tf.maximum(lengths, 1e-7))
  })
  for (let step = 0; step < steps; step++) {
    const before = x
    x = tf.tidy((): tf.Tensor3D => {
      const gram: tf.Tensor3D = tf.matMul(before, before, false, true)
      const update: tf.Tensor3D = tf.add(tf.mul(gram, B), tf.mul(tf.matMul(gram, gram), C))
      return tf.add(tf.mul(before, A), tf.matMul(update, before))
    })
    before.dispose()
  }
  return x
}
