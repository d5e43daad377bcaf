import * as tf from '@tensorflow/tfjs'

import { onEveryJitEngine } from '../backends.js'
import { expectAsEager, type Run } from './expect-as-eager.js'

/** What a name stands for: a function, and what it takes. */
type Program = readonly [run: Run, ...inputs: (() => tf.Tensor)[]]

const drawn =
  (...shape: readonly number[]): (() => tf.Tensor) =>
  () =>
    tf.randomNormal([...shape], 0, 1, 'float32', shape.length + 1)
const ints =
  (...values: readonly number[]): (() => tf.Tensor) =>
  () =>
    tf.tensor1d([...values], 'int32')
const empty =
  (...shape: readonly number[]): (() => tf.Tensor) =>
  () =>
    tf.zeros([...shape])

/** Numbers at the ends of what float32 holds, and what is none. */
const SPECIAL = [0, -0, 1, -1, 30, -30, -85, -90, -104, 1e-30, 1e15, -1e15, 1e35, -1e35, 3e38, -3e38, NaN].concat([
  Infinity,
  -Infinity,
])
const special = () => tf.tensor2d(SPECIAL, [SPECIAL.length, 1])

const gradients =
  (run: (...inputs: tf.Tensor[]) => tf.Tensor): Run =>
  (...inputs) => {
    const { value, grads } = tf.valueAndGrads((...given: tf.Tensor[]) => tf.sum(tf.square(run(...given))))(inputs)
    return [value, ...grads]
  }

/** A chain of operations on elements, and then dimensions in another order. */
const turned =
  (order: number[]) =>
  (x: tf.Tensor): tf.Tensor =>
    tf.transpose(tf.relu(tf.exp(x)), order)

const permuted: Readonly<Record<string, Program>> = {
  'columns of 4': [turned([1, 0, 2]), drawn(4, 64, 4)],
  'columns of 8': [turned([0, 2, 1, 3]), drawn(3, 2, 100, 8)],
  'columns of 16': [turned([0, 2, 1, 3]), drawn(3, 2, 40, 16)],
  'columns of 5': [turned([2, 1, 0, 3]), drawn(3, 7, 9, 5)],
  'a slice': [(x) => turned([0, 2, 1, 3])(tf.slice(x, [0, 0, 0, 0], [1, 2, 64, 8])), drawn(1, 2, 64, 16)],
  'a part of the columns': [(x) => turned([1, 0, 2])(tf.slice(x, [0, 0, 4], [6, 33, 4])), drawn(6, 33, 16)],
  'two of them': [
    (x, y) => [turned([1, 0, 2])(tf.add(x, y)), turned([1, 0, 2])(tf.sub(x, y))],
    drawn(4, 64, 4),
    drawn(4),
  ],
  gradients: [gradients((x) => turned([0, 2, 1, 3])(tf.slice(x, [0, 0, 0, 0], [1, 2, 64, 8]))), drawn(1, 2, 64, 16)],
}

const products: Readonly<Record<string, Program>> = {
  'of rank 5, transposed': [
    (a, b) => tf.transpose(tf.matMul(a, b), [2, 0, 1, 3, 4]),
    drawn(2, 3, 4, 5, 6),
    drawn(2, 3, 4, 6, 7),
  ],
  'of rank 5, transposed twice': [
    (a, b) => tf.relu(tf.transpose(tf.matMul(a, b), [1, 2, 0, 3, 4])),
    drawn(2, 3, 4, 5, 6),
    drawn(2, 3, 4, 6, 7),
  ],
  'of rank 6, with a residual in another order': [
    (a, b, c) => tf.add(tf.matMul(a, b), tf.transpose(c, [1, 0, 2, 3, 4, 5])),
    drawn(2, 3, 2, 2, 3, 4),
    drawn(4, 5),
    drawn(3, 2, 2, 2, 3, 5),
  ],
  'of rank 5 by one matrix, transposed': [
    (a, b) => tf.transpose(tf.matMul(a, b), [2, 1, 0, 3, 4]),
    drawn(2, 3, 4, 5, 6),
    drawn(6, 7),
  ],
  'plus a transposed tensor': [(a, c) => tf.add(tf.matMul(a, a), tf.transpose(c)), drawn(4, 4), drawn(4, 4)],
  'plus every other column': [
    (a, b) => tf.add(tf.matMul(a, a), tf.stridedSlice(b, [0, 0], [4, 8], [1, 2])),
    drawn(4, 4),
    drawn(4, 8),
  ],
  'plus one of a stack': [
    (a, b) => tf.relu(tf.add(tf.matMul(a, a), tf.unstack(b, 2)[1] ?? b)),
    drawn(4, 4),
    drawn(4, 4, 3),
  ],
  'plus a column of a matrix, repeated': [
    (a, b) => tf.add(tf.matMul(a, a), tf.broadcastTo(tf.slice(b, [0, 1], [4, 1]), [4, 4])),
    drawn(4, 4),
    drawn(4, 3),
  ],
  'in batches, plus a transposed tensor': [
    (a, c) => tf.add(tf.matMul(a, a), tf.transpose(c, [0, 2, 1])),
    drawn(3, 5, 5),
    drawn(3, 5, 5),
  ],
}

/** `stridedSlice` of begin, end, strides, and the masks of begin, end, ellipsis, new axes and shrinking. */
const slices: readonly (readonly [number[], number[], number[], number, number, number, number, number])[] = [
  [[2, 1], [4, 3], [1, 1], 1, 0, 0, 0, 1],
  [[2, 1], [3, 3], [1, 1], 0, 1, 0, 0, 1],
  [[2, 1], [4, 3], [1, 1], 3, 3, 0, 0, 2],
  [[-2], [9], [1], 1, 1, 0, 0, 1],
  [[1], [3], [1], 2, 2, 0, 0, 2],
  [[1], [3], [1], 0, 0, 0, 0, 6],
  [[-1], [-4], [-1], 0, 0, 0, 0, 0],
  [[9], [0], [-2], 1, 1, 0, 0, 0],
  [[-9], [99], [2], 0, 0, 0, 0, 0],
  [[4], [2], [1], 0, 0, 0, 0, 0],
  [[0, 1], [0, 3], [1, 1], 0, 0, 1, 0, 0],
  [[0, 1], [0, 3], [1, 1], 0, 0, 1, 0, 2],
  [[1, 0], [3, 0], [1, 1], 0, 0, 0, 2, 1],
]

const activations: Readonly<Record<string, (x: tf.Tensor) => tf.Tensor>> = {
  relu: tf.relu,
  silu: (x) => tf.mul(x, tf.sigmoid(x)),
  'quick-gelu': (x) => tf.mul(x, tf.sigmoid(tf.mul(1.702, x))),
  gelu: (x) => tf.mul(tf.mul(0.5, x), tf.add(1, tf.erf(tf.mul(x, Math.SQRT1_2)))),
  'tanh-gelu': (x) =>
    tf.mul(
      tf.mul(0.5, x),
      tf.add(1, tf.tanh(tf.mul(Math.sqrt(2 / Math.PI), tf.add(x, tf.mul(0.044715, tf.pow(x, 3)))))),
    ),
  mish: (x) => tf.mul(x, tf.tanh(tf.softplus(x))),
  ...{ sigmoid: tf.sigmoid, tanh: tf.tanh, softplus: tf.softplus, elu: tf.elu, selu: tf.selu, relu6: tf.relu6 },
}

/** Where [i, j] is a multiple of `divisors[i]`. */
const multiples = (rows: number, columns: number): tf.Tensor =>
  tf.tensor2d(
    Array.from({ length: rows * columns }, (_, i) => (Math.floor(i / columns) + 1) * ((i % columns) + 1)),
    [rows, columns],
  )
const upTo = (count: number): tf.Tensor => tf.range(1, count + 1)

const whole: Readonly<Record<string, Program>> = {
  'of rows by their numbers': [
    (x, y) => tf.floor(tf.div(x, y)),
    () => multiples(130, 16),
    () => tf.reshape(upTo(130), [130, 1]),
  ],
  'of long rows by their numbers': [
    (x, y) => tf.floor(tf.div(x, y)),
    () => multiples(50, 600),
    () => tf.reshape(upTo(50), [50, 1]),
  ],
  'of columns': [(x, y) => tf.floor(tf.div(tf.transpose(x), y)), () => multiples(130, 16), () => upTo(130)],
  'by one number': [(x) => tf.floor(tf.div(tf.mul(x, 41), 41)), () => upTo(300)],
  'by sums of rows': [
    (x) => tf.floor(tf.div(tf.mul(x, tf.sum(x, 1, true)), tf.sum(x, 1, true))),
    () => multiples(60, 16),
  ],
  means: [(x) => [tf.floor(tf.mean(x, 1)), tf.floor(tf.mean(x, 0))], () => tf.mul(tf.ones([49, 41]), 3)],
  'floorDiv and mod': [
    (x, y) => [tf.floorDiv(x, y), tf.mod(x, y), tf.divNoNan(x, y)],
    () => multiples(130, 16),
    () => tf.reshape(upTo(130), [130, 1]),
  ],
  'differences of rounded products': [
    (x) => tf.floor(tf.sub(tf.mul(x, 0.7), tf.mul(0.1, tf.mul(x, 7)))),
    () => upTo(300),
  ],
  'a rounded product less a number': [
    (x, y) => tf.floor(tf.sub(tf.mul(x, 0.7), y)),
    () => tf.mul(tf.ones([40]), 10),
    () => tf.mul(tf.ones([40]), 7),
  ],
  'a rounded product of matrices less a number': [
    (x, w, y) => tf.floor(tf.add(tf.mul(tf.matMul(x, w), 0.7), y)),
    () => tf.ones([8, 10]),
    () => tf.ones([10, 24]),
    () => tf.mul(tf.ones([24]), -7),
  ],
}

/** The sign of a zero shows in what 1 is divided by it. */
const zeros: Readonly<Record<string, Program>> = {
  'plus and minus zero': [
    (x) => [tf.add(x, 0), tf.add(0, x), tf.sub(x, 0), tf.add(x, -0), tf.sub(x, -0)].map((y) => tf.reciprocal(y)),
    special,
  ],
  'times and by one': [(x) => [tf.mul(x, 1), tf.mul(1, x), tf.div(x, 1)].map((y) => tf.reciprocal(y)), special],
  steps: [
    (x) => [tf.floor(x), tf.ceil(x), tf.round(x), tf.sign(x), tf.relu(x), tf.abs(x)].map((y) => tf.reciprocal(y)),
    special,
  ],
}

const attended: Readonly<Record<string, Program>> = Object.fromEntries(
  [0.35, 1, 0.125, 3].map((scale): [string, Program] => [
    `of scores beyond what differences of float32 show, times ${scale}`,
    [
      (q, k, v) => tf.matMul(tf.softmax(tf.mul(tf.matMul(q, k, false, true), scale)), v),
      () => tf.tensor([1e15, 3e9, -7e12, 1e5, 12345.678, 1e30, -1e5], [1, 1, 7, 1]),
      () => tf.tensor([0.1, 0.7, -0.3, 1.1, 0.9], [1, 1, 5, 1]),
      drawn(1, 1, 5, 1),
    ],
  ]),
)

const reductions: Readonly<Record<string, Program>> = {
  'mean of int32': [(x) => [tf.mean(x), tf.mean(x, 0, true)], ints(1, 2, 4)],
  'mean of bool': [(x) => tf.mean(x), () => tf.tensor1d([1, 0, 1], 'bool')],
  'sum, max, min and prod of int32': [
    (x) => [tf.sum(x), tf.max(x), tf.min(x), tf.prod(x)],
    ints(1, -2, 2 ** 30, 2 ** 30),
  ],
  'sum, any and all of bool': [(x) => [tf.sum(x), tf.any(x), tf.all(x)], () => tf.tensor1d([1, 0, 1], 'bool')],
  'relu6 of int32': [(x) => tf.relu6(x), ints(-1, 3, 9)],
  'segments, of which negative ones are dropped': [
    (x, i) => tf.unsortedSegmentSum(x, i.as1D(), 3),
    drawn(4),
    ints(0, -1, 2, 2),
  ],
  'rows of segments, all dropped': [(x, i) => tf.unsortedSegmentSum(x, i.as1D(), 3), drawn(4, 5), ints(-1, -7, -1, -1)],
  'gradients of segments': [
    (x, i) => tf.grad((y) => tf.sum(tf.square(tf.unsortedSegmentSum(y, i.as1D(), 3))))(x),
    drawn(4, 2),
    ints(0, 1, 2, 2),
  ],
}

const empties: Readonly<Record<string, Program>> = {
  softmax: [(x, y) => [tf.softmax(x), tf.logSoftmax(x), tf.softmax(y), tf.logSoftmax(y)], empty(2, 0), empty(0, 3)],
  reductions: [
    (x) => [tf.sum(x), tf.mean(x, 0), tf.max(x, 1), tf.min(x), tf.prod(x, 1), tf.logSumExp(x, 1), tf.sum(x, 0, true)],
    empty(2, 0),
  ],
  'reductions to nothing': [(x) => [tf.sum(x, 1), tf.mean(x, 1, true), tf.sum(x, 0)], empty(0, 3)],
  products: [
    (a, b, c) => [tf.matMul(a, b), tf.matMul(b, b, true), tf.relu(tf.add(tf.matMul(a, b), 1)), tf.matMul(c, a)],
    empty(3, 0),
    empty(0, 4),
    empty(0, 3),
  ],
  'products in batches': [(a, b) => [tf.matMul(a, b), tf.matMul(b, a)], empty(5, 2, 0), empty(5, 0, 2)],
  elements: [(x, y) => [tf.relu(tf.add(x, y)), tf.greater(x, y), tf.cast(x, 'int32')], empty(0, 3), drawn(3)],
  views: [
    (x) => [tf.transpose(x), tf.reshape(x, [0, 2]), tf.tile(x, [2, 1]), tf.slice(x, [0, 0], [0, 2]), tf.reverse(x)],
    empty(0, 3),
  ],
  'parts of what is not empty': [
    (x) => [...tf.split(x, [1, 0, 3]), tf.tanh(tf.slice(x, [1, 1], [0, 2])), tf.tile(x, [0, 1])],
    drawn(4, 3),
  ],
  'what is put together': [
    (x, y) => [
      tf.concat([x, y]),
      tf.concat([x, x]),
      tf.stack([x, x]),
      tf.pad(x, [
        [1, 2],
        [0, 0],
      ]),
      tf.cumsum(x),
    ],
    empty(0, 3),
    drawn(2, 3),
  ],
  'rows by number': [
    (x, i) => [tf.gather(x, i), tf.unsortedSegmentSum(tf.gather(x, i), i.as1D(), 4), tf.oneHot(i, 3)],
    drawn(4, 3),
    ints(),
  ],
  gradients: [gradients((x) => tf.softmax(tf.tanh(x))), empty(2, 0)],
}

const chains: Readonly<Record<string, Run>> = {
  'operations on elements': (x) => repeated(x, 1000, (y) => tf.tanh(tf.add(y, 1))),
  'operations on two tensors': (x) => repeated(x, 1000, (y) => tf.tanh(tf.sub(tf.mul(y, 0.5), x))),
  views: (x) => repeated(x, 500, (y) => tf.reshape(tf.transpose(tf.reshape(y, [2, 3])), [6])),
  slices: (x) => repeated(tf.tile(x, [500]), 2000, (y) => tf.slice(y, [1], [y.size - 1])),
  sums: (x) => repeated(x, 500, (y) => tf.tanh(tf.sub(y, tf.sum(y)))),
  'scales before a softmax': (x) => {
    const a = tf.reshape(x, [1, 1, 2, 3])
    const scores = repeated(tf.matMul(a, a, false, true), 2000, (y) => tf.mul(y, 1.0001))
    return tf.matMul(tf.softmax(scores), a)
  },
  gradients: (x) => tf.grad((y) => tf.sum(repeated(y, 500, (z) => tf.tanh(tf.add(z, 1)))))(x),
}

function repeated(x: tf.Tensor, times: number, step: (x: tf.Tensor) => tf.Tensor): tf.Tensor {
  let y = x
  for (let i = 0; i < times; i++) y = step(y)
  return y
}

onEveryJitEngine((engine) => {
  const table = (programs: Readonly<Record<string, Program>>, tolerance?: number): void => {
    it.each(Object.entries(programs))('%s', (_, [run, ...inputs]) => {
      expectAsEager(
        engine(),
        run,
        inputs.map((make) => make()),
        tolerance,
      )
    })
  }

  describe('a chain before a transpose', () => {
    table(permuted)
  })

  describe('a product', () => {
    table(products)
  })

  it.each(slices)('stridedSlice from %j to %j by %j, masks %i %i %i %i %i', (begin, end, strides, ...masks) => {
    expectAsEager(engine(), (x) => tf.stridedSlice(x, begin, end, strides, ...masks), [drawn(5, 4)()])
  })

  describe.each(Object.entries(activations))('%s of every kind of number', (_, activation) => {
    const inputs = () => [special(), tf.ones([1, 19])]

    it('after a product', () => {
      expectAsEager(engine(), (x, w) => activation(tf.matMul(x, w)), inputs())
    })

    it('after a sum', () => {
      expectAsEager(engine(), (x, w) => activation(tf.add(x, tf.sub(w, 1))), inputs())
    })

    it('of each number by itself', () => {
      expectAsEager(
        engine(),
        (...xs) => xs.map(activation),
        SPECIAL.map((x) => tf.fill([17], x)),
      )
    })
  })

  describe('whole quotients', () => {
    table(whole, 0)
  })

  describe('zero', () => {
    table(zeros)
  })

  describe('attention', () => {
    table(attended)
  })

  describe('a reduction', () => {
    table(reductions)
  })

  describe('nothing', () => {
    table(empties)
  })

  it.each(Object.entries(chains))('a long chain of %s', (_, run) => {
    expectAsEager(engine(), run, [tf.linspace(-1, 1, 6)])
  })
})
