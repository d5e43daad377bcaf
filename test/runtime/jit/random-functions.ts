import * as tf from '@tensorflow/tfjs'

import { dice } from '../../dice.js'

/** Numbers that a seed determines. */
export class Dice {
  /** An integer from 0 to below `count`. */
  readonly roll: (count: number) => number

  constructor(seed: number) {
    this.roll = dice(seed)
  }

  pick<T>(items: readonly T[]): T {
    return items[this.roll(items.length)]!
  }
}

type Make = (dice: Dice, x: tf.Tensor, other: tf.Tensor) => tf.Tensor

const axis = (dice: Dice, { rank }: tf.Tensor): number => dice.roll(rank)

/** Two tensors with shapes that go together. */
function fitting(x: tf.Tensor, other: tf.Tensor): tf.Tensor {
  try {
    return tf.backend_util.assertAndGetBroadcastShape(x.shape, other.shape).length > 6 ? x : other
  } catch {
    return other.size === 0 ? x : tf.mean(other)
  }
}

/** What is done to tensors at random; nothing here lets numbers grow beyond measure. */
const makes: readonly Make[] = [
  (_dice, x, other) => tf.sub(x, fitting(x, other)),
  (_dice, x, other) => tf.mul(tf.tanh(x), fitting(x, other)),
  (_dice, x, other) => tf.add(fitting(x, other), x),
  (_dice, x, other) => tf.maximum(x, fitting(x, other)),
  (_dice, x, other) => tf.where(tf.greater(x, 0.1234), x, tf.zerosLike(x)).add(fitting(x, other).mul(0)),
  (dice, x) =>
    dice.pick([tf.tanh, tf.sigmoid, tf.square, tf.relu, tf.abs, tf.neg, tf.softplus])(tf.clipByValue(x, -3, 3)),
  (dice, x) => tf.add(x, dice.pick([0, 0.5, -1])),
  (dice, x) => tf.mul(dice.pick([1, 0.25, -1]), x),
  (dice, x) => (x.rank === 0 ? x : tf.sum(x.mul(0.3), axis(dice, x), dice.roll(2) === 0)),
  (dice, x) => (x.rank === 0 ? x : tf.mean(x, axis(dice, x), dice.roll(2) === 0)),
  (dice, x) => (x.rank === 0 ? x : tf.max(x, axis(dice, x), dice.roll(2) === 0)),
  (dice, x) =>
    x.rank < 2
      ? x
      : tf.mean(
          x,
          [axis(dice, x), axis(dice, x)].filter((a, i, all) => all.indexOf(a) === i),
        ),
  (dice, x) => (dice.roll(3) === 0 ? tf.mean(x) : x),
  (_dice, x) => (x.rank === 0 ? x : tf.softmax(x)),
  (_dice, x) => (x.rank === 0 ? x : tf.logSoftmax(x)),
  (_dice, x) => {
    if (x.rank === 0) return x
    const { mean, variance } = tf.moments(x, -1, true)
    return tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, 0.1)))
  },
  (dice, x) => {
    const order = x.shape.map((_, i) => i)
    for (let i = order.length - 1; i > 0; i--) {
      const j = dice.roll(i + 1)
      ;[order[i], order[j]] = [order[j]!, order[i]!]
    }
    return tf.transpose(x, order)
  },
  (dice, x) => {
    const at = x.rank === 0 ? 0 : axis(dice, x)
    return x.rank > 4 || dice.roll(2) ? tf.reshape(x, [-1]) : tf.expandDims(x, at)
  },
  (_dice, x) => (x.rank >= 2 ? tf.reshape(x, [x.shape[0] * x.shape[1]!, ...x.shape.slice(2)]) : x),
  (_dice, x) =>
    x.shape[0] && x.shape[0] % 2 === 0 && x.rank < 5 ? tf.reshape(x, [2, x.shape[0] / 2, ...x.shape.slice(1)]) : x,
  (dice, x) => {
    if (x.rank === 0 || x.rank > 5) return x
    const at = axis(dice, x)
    const size = x.shape[at]!
    if (size < 2) return x
    const begin = x.shape.map((_, i) => (i === at ? dice.roll(size - 1) : 0))
    return tf.slice(
      x,
      begin,
      x.shape.map((length, i) => (i === at ? 1 + dice.roll(size - begin[i]!) : length)),
    )
  },
  (dice, x) => {
    if (x.rank === 0 || x.rank > 4 || x.size > 2000) return x
    const at = axis(dice, x)
    return tf.concat([x, tf.neg(x)], at)
  },
  (dice, x) =>
    x.rank === 0 || x.rank > 4 || x.size > 2000
      ? x
      : tf.pad(
          x,
          x.shape.map((): [number, number] => [dice.roll(2), dice.roll(2)]),
        ),
  (dice, x) =>
    x.rank === 0 || x.rank > 4 || x.size > 2000
      ? x
      : tf.tile(
          x,
          x.shape.map(() => 1 + dice.roll(2)),
        ),
  (dice, x) =>
    x.rank === 0 || x.rank > 4 || x.size > 2000 ? x : tf.stack([x, x.mul(2).tanh()], dice.roll(x.rank + 1)),
  (dice, x) => (x.rank === 0 ? x : dice.pick(tf.unstack(x, axis(dice, x)).slice(0, 3))),
  (dice, x) => {
    if (x.rank < 2) return x
    const k = x.shape.at(-1)!
    const weight = tf.tensor2d(
      Array.from({ length: k * 5 }, (_, i) => ((i * 7) % 11) / 11 - 0.5),
      [k, 5],
    )
    const flat = tf.reshape(x, [-1, k])
    const product = dice.roll(2) ? tf.matMul(flat, weight) : tf.matMul(flat, tf.transpose(weight), false, true)
    const biased = dice.roll(2) ? tf.add(product, tf.tensor1d([0.1, -0.2, 0.3, 0, 1])) : product
    return tf.reshape(biased, [...x.shape.slice(0, -1), 5])
  },
  (dice, x) => {
    if (x.rank < 2 || x.shape.at(-2)! > 40) return x
    const scores = tf.matMul(x, x, false, true)
    return dice.roll(2) ? tf.matMul(tf.softmax(tf.mul(scores, 0.1)), x) : tf.mul(scores, 0.1)
  },
  (dice, x) => (x.rank === 0 || x.rank > 4 ? x : tf.gather(x, tf.tensor1d([0, dice.roll(x.shape[0]), 0], 'int32'))),
  (_dice, x) => tf.cast(tf.cast(tf.less(x, 0.0321), 'int32'), 'float32').mul(0.1),
  (_dice, x) => tf.cast(tf.greater(x, 0.0567), 'float32'),
  (dice, x) => (x.rank === 0 ? x : tf.cumsum(x.mul(0.1), axis(dice, x))),
]

/** A function of two tensors that a seed determines, and tensors that it takes. */
export function randomFunction(seed: number): {
  readonly run: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor[]
  readonly inputs: readonly [tf.Tensor, tf.Tensor]
} {
  const dice = new Dice(seed)
  const shape = Array.from({ length: 1 + dice.roll(4) }, () => 1 + dice.roll(5))
  const part = shape.slice(dice.roll(shape.length)).map((size) => (dice.roll(3) === 0 ? 1 : size))
  const inputs = [shape, part].map((sizes, i) => tf.randomNormal(sizes, 0, 1, 'float32', seed * 2 + i))
  const run = (...given: tf.Tensor[]): tf.Tensor[] => {
    const steps = new Dice(seed + 1)
    const known = [...given]
    for (let i = 0; i < 12; i++) known.push(steps.pick(makes)(steps, steps.pick(known), steps.pick(known)))
    return [known.at(-1)!, steps.pick(known), steps.pick(known)]
  }
  return { run, inputs: [inputs[0]!, inputs[1]!] }
}
