import { call, type Draw, type Operand, rankOf, type Table } from '../draw.js'
import { sizeOf, someAxes } from '../shapes.js'

const hasAxes = (operand: Operand): boolean => rankOf(operand) > 0
const hasElements = (operand: Operand): boolean => hasAxes(operand) && sizeOf(operand.shape) > 0

const of = (expression: (draw: Draw, x: Operand) => string | undefined, fits = hasAxes) => {
  return (draw: Draw) => {
    const x = draw.float(fits)
    const written = x && expression(draw, x)
    return x && written !== undefined ? call(written, x) : undefined
  }
}

const axis = ({ dice }: Draw, { shape }: Operand): number =>
  dice.roll(shape.length) - (dice.chance(0.2) ? shape.length : 0)

const axes = ({ dice }: Draw, { shape }: Operand): string => JSON.stringify(someAxes(dice, shape))

/** What makes one number of many. */
export const reductions: Table = {
  reduce: {
    weight: 9,
    draw: of((draw, x) => {
      const f = draw.word('sum', 'sum', 'mean', 'mean', 'max', 'max', 'min', 'logSumExp')
      if (draw.dice.chance(0.1)) return `tf.${f}($0)`
      return `tf.${f}($0, ${axes(draw, x)}, ${draw.dice.chance(0.5)})`
    }),
  },
  scalarReduce: {
    weight: 1,
    draw: (draw) =>
      call(`tf.${draw.word('sum', 'mean', 'max')}($0)`, draw.float((x) => rankOf(x) === 0) ?? draw.fresh([])),
  },
  product: {
    weight: 1,
    draw: of((draw, x) => `tf.prod(tf.clipByValue($0, 0.5, 1.5), ${axes(draw, x)})`),
    hasNoGradient: true,
  },
  softmax: { weight: 4, draw: of((draw) => draw.word('tf.softmax($0)', 'tf.softmax($0)', 'tf.logSoftmax($0)')) },
  layerNorm: {
    weight: 4,
    draw: (draw) => {
      const x = draw.float(hasElements)
      if (!x) return undefined
      const over = draw.dice.chance(0.7) ? -1 : draw.dice.roll(rankOf(x))
      const moments = `(({ mean, variance }) => tf.mul(tf.mul(tf.sub($0, mean), tf.rsqrt(tf.add(variance, 0.01))), $1))(tf.moments($0, ${over}, true))`
      return call(moments, x, draw.fresh(x.shape.slice(-1), 'float32', 'weight'))
    },
  },
  norm: {
    weight: 2,
    draw: of((draw, x) => `tf.div($0, tf.add(tf.norm($0, 2, ${axis(draw, x)}, true), 0.1))`, hasElements),
  },
  cumsum: {
    weight: 2,
    draw: of(
      (draw, x) =>
        `tf.mul(tf.cumsum($0, ${draw.dice.roll(rankOf(x))}, ${draw.dice.chance(0.3)}, ${draw.dice.chance(0.3)}), 0.1)`,
    ),
  },
  cumprod: {
    weight: 1,
    hasNoGradient: true,
    draw: of((draw, x) => `tf.cumprod(tf.clipByValue($0, 0.7, 1.3), ${draw.dice.roll(rankOf(x))})`),
  },
  argument: {
    weight: 2,
    hasNoGradient: true,
    draw: of((draw, x) => `tf.${draw.word('argMax', 'argMin')}($0, ${draw.dice.roll(rankOf(x))})`, hasElements),
  },
  topk: {
    weight: 1,
    hasNoGradient: true,
    draw: of((draw, x) => {
      if (draw.mode === 'special') return undefined // where NaN comes in an order is nowhere said
      const most = Math.min(5, x.shape.at(-1) ?? 0)
      return `tf.topk($0, ${1 + draw.dice.roll(most)}).${draw.word('values', 'indices')}`
    }, hasElements),
  },
  batchNorm: {
    weight: 1,
    draw: (draw) => {
      const x = draw.float((x) => rankOf(x) >= 2 && rankOf(x) <= 4 && sizeOf(x.shape) > 0)
      if (!x) return undefined
      const one = (): Operand => draw.fresh(x.shape.slice(-1))
      return call('tf.batchNorm($0, $1, tf.add(tf.abs($2), 0.3), $1, $2)', x, one(), one())
    },
  },
  responseNorm: {
    weight: 1,
    draw: (draw) => {
      const x = draw.float((x) => rankOf(x) === 4 && sizeOf(x.shape) > 0) ?? draw.fresh([2, 3, 4, 5])
      return call('tf.localResponseNormalization($0, 2)', x)
    },
  },
}
