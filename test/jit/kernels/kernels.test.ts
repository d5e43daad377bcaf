import * as tf from '@tensorflow/tfjs'

import { graphKernels } from '../../../src/jit/kernels/table.js'
import '../../../src/jit/jit-node.js' // registers the backend siglip

/** A function of tensors, and what it takes. */
type Case = readonly [run: (...inputs: tf.Tensor[]) => tf.Tensor | tf.Tensor[], ...inputs: (() => tf.Tensor)[]]

const drawn =
  (...shape: readonly number[]): (() => tf.Tensor) =>
  () =>
    tf.randomNormal([...shape], 0, 1, 'float32', shape.length + 1)
const positive =
  (...shape: readonly number[]): (() => tf.Tensor) =>
  () =>
    tf.randomUniform([...shape], 0.1, 3, 'float32', 5)
const ints =
  (...values: readonly number[]): (() => tf.Tensor) =>
  () =>
    tf.tensor1d([...values], 'int32')
const bools =
  (...values: readonly number[]): (() => tf.Tensor) =>
  () =>
    tf.tensor1d([...values], 'bool')
const special = () => tf.tensor1d([0, -0, 1, -1, 0.5, -2.5, 3.5, NaN, Infinity, -Infinity])
const kernel = (name: string, inputs: Record<string, tf.Tensor>, attrs: Record<string, number> = {}): tf.Tensor =>
  tf.engine().runKernel(name, inputs, attrs)

const unary: Record<string, (x: tf.Tensor) => tf.Tensor> = {
  ...{ Neg: tf.neg, Abs: tf.abs, Sign: tf.sign, Square: tf.square, Exp: tf.exp, Expm1: tf.expm1, Tanh: tf.tanh },
  ...{ Erf: tf.erf, Sigmoid: tf.sigmoid, Softplus: tf.softplus, Relu: tf.relu, Relu6: tf.relu6, Elu: tf.elu },
  ...{ Floor: tf.floor, Ceil: tf.ceil, Round: tf.round, Step: (x) => tf.step(x, 0.25) },
  ...{ LeakyRelu: (x) => tf.leakyRelu(x, 0.3), ClipByValue: (x) => tf.clipByValue(x, -0.5, 0.75) },
}
const ofPositive: Record<string, (x: tf.Tensor) => tf.Tensor> = {
  ...{ Sqrt: tf.sqrt, Rsqrt: tf.rsqrt, Log: tf.log, Log1p: tf.log1p, Reciprocal: tf.reciprocal },
}
const binary: Record<string, (a: tf.Tensor, b: tf.Tensor) => tf.Tensor> = {
  ...{ Add: tf.add, Sub: tf.sub, Multiply: tf.mul, RealDiv: tf.div, Pow: tf.pow, Minimum: tf.minimum },
  ...{ Maximum: tf.maximum, SquaredDifference: tf.squaredDifference, Equal: tf.equal, NotEqual: tf.notEqual },
  ...{ Less: tf.less, LessEqual: tf.lessEqual, Greater: tf.greater, GreaterEqual: tf.greaterEqual },
  ...{ Prelu: tf.prelu },
}

const each = <F>(functions: Record<string, F>, of: (f: F) => Case): Record<string, Case> =>
  Object.fromEntries(Object.entries(functions).map(([name, f]) => [name, of(f)]))

/** A case for each of the engine's kernels, by its name and what is special. */
const cases: Readonly<Record<string, Case>> = {
  ...each(unary, (f) => [f, drawn(3, 5)]),
  ...each(ofPositive, (f) => [f, positive(3, 5)]),
  ...each(binary, (f) => [f, positive(2, 3, 4), positive(3, 1)]),
  IsNan: [tf.isNaN, special],
  'Step of special numbers': [(x) => tf.step(x), special],
  'Relu of special numbers': [tf.relu, special],
  'Round of halves': [tf.round, special],
  'Equal of special numbers': [(x) => tf.equal(x, tf.reverse(x)), special],
  'Maximum of int32': [tf.maximum, ints(1, 5, 3), ints(2, 4, 3)],
  'Add of int32': [tf.add, ints(1, 2 ** 30, 3), ints(2, 2 ** 30 - 1, 3)],
  'Less of int32': [tf.less, ints(16777217, 5, 3), ints(16777216, 6, 3)],
  LogicalAnd: [tf.logicalAnd, bools(1, 1, 0, 0), bools(1, 0, 1, 0)],
  LogicalOr: [tf.logicalOr, bools(1, 1, 0, 0), bools(1, 0, 1, 0)],
  LogicalNot: [tf.logicalNot, bools(1, 0)],
  AddN: [(a, b, c) => tf.addN([a, b, c]), drawn(2, 3), drawn(2, 3), drawn(2, 3)],
  EluGrad: [(dy, y) => kernel('EluGrad', { dy, y }), drawn(4, 5), drawn(4, 5)],
  Select: [(a, b) => tf.where(tf.greater(a, b), a, b), drawn(3, 4), drawn(3, 4)],
  FusedBatchNorm: [
    (x, mean, variance, scale) => [tf.batchNorm(x, mean, variance, scale, scale, 0.1), tf.batchNorm(x, mean, variance)],
    drawn(2, 3, 4, 5),
    drawn(5),
    positive(5),
    drawn(5),
  ],
  Softmax: [(x) => tf.softmax(x), drawn(3, 7)],
  'Cast to float32': [(x) => tf.cast(x, 'float32'), ints(3, -4)],
  'Cast to int32': [(x) => tf.cast(x, 'int32'), () => tf.tensor1d([3.7, -4.7])],
  'Cast to bool': [(x) => tf.cast(x, 'bool'), () => tf.tensor1d([3.7, 0, -0])],
  'Cast to what it is': [(x) => tf.cast(x, 'float32'), drawn(3)],
  Sum: [(x) => [tf.sum(x), tf.sum(x, 0), tf.sum(x, [-1, 0], true), tf.sum(x, 1)], drawn(3, 4, 5)],
  'Sum of int32': [(x) => tf.sum(x), ints(16777217, 1, -3)],
  'Sum of bool': [(x) => tf.sum(x), bools(1, 0, 1)],
  Mean: [(x) => [tf.mean(x), tf.mean(x, 1, true)], drawn(3, 4)],
  'Mean of int32': [(x) => tf.mean(x), ints(1, 2, 4)],
  Max: [(x) => [tf.max(x), tf.max(x, 0), tf.max(x, 1, true)], drawn(3, 4)],
  Min: [(x) => [tf.min(x), tf.min(x, 0), tf.min(x, 1, true)], drawn(3, 4)],
  All: [(x) => [tf.all(x), tf.all(x, 0)], () => tf.tensor2d([1, 1, 0, 1], [2, 2], 'bool')],
  Any: [(x) => [tf.any(x), tf.any(x, 0)], () => tf.tensor2d([0, 1, 0, 0], [2, 2], 'bool')],
  BatchMatMul: [
    (a, b) => [tf.matMul(a, b), tf.matMul(a, tf.transpose(b, [0, 2, 1]), false, true)],
    drawn(3, 4, 5),
    drawn(3, 5, 6),
  ],
  'BatchMatMul transposed': [(a, b) => tf.matMul(a, b, true, true), drawn(4, 3), drawn(5, 4)],
  'BatchMatMul of one matrix for all': [(a, b) => tf.matMul(a, b), drawn(2, 3, 4, 5), drawn(5, 2)],
  ...Object.fromEntries(
    (['linear', 'relu', 'relu6', 'elu', 'sigmoid'] as const).map((activation): [string, Case] => [
      `_FusedMatMul ${activation}`,
      [(a, b, bias) => tf.fused.matMul({ a: a, b: b, bias, activation }), drawn(4, 5), drawn(5, 3), drawn(3)],
    ]),
  ),
  '_FusedMatMul prelu': [
    (a, b, weights) =>
      tf.fused.matMul({
        a: a,
        b: b,
        activation: 'prelu',
        preluActivationWeights: weights,
      }),
    drawn(4, 5),
    drawn(5, 3),
    drawn(3),
  ],
  Identity: [tf.clone, drawn(3)],
  Reshape: [(x) => tf.reshape(x, [-1, 2]), drawn(3, 4)],
  ExpandDims: [(x) => [tf.expandDims(x, 0), tf.expandDims(x, -1), tf.expandDims(x, 1)], drawn(3, 4)],
  Transpose: [(x) => [tf.transpose(x), tf.transpose(x, [1, 0, 2])], drawn(2, 3, 4)],
  'Transpose of int32': [(x) => tf.transpose(tf.reshape(x, [2, 2])), ints(1, 2, 3, 4)],
  Slice: [(x) => [tf.slice(x, [1, 0], [2, -1]), tf.slice(x, 2)], drawn(4, 5)],
  StridedSlice: [
    (x) => [tf.stridedSlice(x, [0, 4], [4, 0], [2, -2]), tf.stridedSlice(x, [1, 0], [2, 5], [1, 1], 0, 0, 0, 0, 1)],
    drawn(4, 5),
  ],
  SplitV: [(x) => [...tf.split(x, 2, 1), ...tf.split(x, [1, 2], 0)], drawn(3, 4)],
  Concat: [(a, b) => [tf.concat([a, b], 1), tf.concat([a, a, a])], drawn(3, 4), drawn(3, 2)],
  'Concat with nothing': [(a, b) => tf.concat([a, b], 0), drawn(3, 4), () => tf.zeros([0, 4])],
  Pack: [(a, b) => [tf.stack([a, b]), tf.stack([a, b], -1)], drawn(3, 4), drawn(3, 4)],
  Unpack: [(x) => [...tf.unstack(x), ...tf.unstack(x, -1)], drawn(3, 2)],
  'PadV2': [(x) => tf.pad(x, [[1, 0], [0, 2]], -Infinity), drawn(2, 3)], // prettier-ignore
  Tile: [(x) => tf.tile(x, [2, 3]), drawn(2, 3)],
  GatherV2: [
    (x, i) => [tf.gather(x, i), tf.gather(x, i, 1), tf.gather(x, tf.reshape(i, [2, 2]), 2)],
    drawn(4, 5, 4),
    ints(3, 0, 0, 2),
  ],
  'GatherV2 of int32': [(x, i) => tf.gather(x, i), ints(5, 6, 7), ints(2, 0)],
  UnsortedSegmentSum: [(x, i) => tf.unsortedSegmentSum(x, i as tf.Tensor1D, 3), drawn(4, 2), ints(2, 0, 2, -1)],
  OneHot: [(i) => [tf.oneHot(i, 4, 2, -1, 'float32'), tf.oneHot(i, 3)], ints(0, 3, -1, 2)],
  Fill: [() => [tf.fill([2, 3], 1.5), tf.fill([2], 3, 'int32'), tf.fill([2], NaN)]],
  Range: [() => [tf.range(0, 7, 2), tf.range(5, 0), tf.range(0, 3, 1, 'int32'), tf.range(0, 1, 0.3)]],
  ZerosLike: [tf.zerosLike, drawn(2, 3)],
  OnesLike: [tf.onesLike, drawn(2, 3)],
  nothing: [(x) => [tf.relu(x), tf.add(x, 1), tf.reshape(x, [3, 0])], () => tf.zeros([0, 3])],
  // What tfjs's plain JavaScript computes.
  FloorDiv: [tf.floorDiv, positive(3, 4), positive(3, 1)],
  ArgMax: [(x) => tf.argMax(x, 1), drawn(3, 4)],
  'TopK': [(x) => { const { values, indices } = tf.topk(x, 2); return [values, indices] }, drawn(3, 4)], // prettier-ignore
  Conv2D: [(x, w) => tf.conv2d(x as tf.Tensor3D, w as tf.Tensor4D, 2, 'same'), drawn(8, 8, 3), drawn(3, 3, 3, 2)],
  Complex: [(a, b) => tf.abs(tf.fft(tf.complex(a, b))), drawn(8), drawn(8)],
  Einsum: [(a, b) => tf.einsum('ij,jk->ki', a, b), drawn(2, 3), drawn(3, 4)],
}

const valuesOf = ([run, ...inputs]: Case) =>
  tf.tidy(() =>
    [run(...inputs.map((input) => input()))]
      .flat()
      .map((x) => ({ shape: x.shape, dtype: x.dtype, values: [...x.dataSync()] })),
  )

it.each(Object.entries(cases))('%s is as on tfjs’s cpu backend', async (_name, made) => {
  await tf.setBackend('cpu')
  const expected = valuesOf(made)
  await tf.setBackend('siglip')
  const { numTensors, numDataBuffers } = tf.memory()
  const found = valuesOf(made)
  expect(found.map(({ shape, dtype }) => ({ shape, dtype }))).toEqual(
    expected.map(({ shape, dtype }) => ({ shape, dtype })),
  )
  found.forEach(({ values }, i) => {
    values.forEach((value, j) => {
      const right = expected[i]!.values[j]!
      if (!(Object.is(value, right) || value === right))
        expect(Math.abs(value - right)).toBeLessThan(2e-5 * (1 + Math.abs(right)))
    })
  })
  expect([tf.memory().numTensors, tf.memory().numDataBuffers]).toEqual([numTensors, numDataBuffers])
})

it('selects rows by a condition of one dimension', async () => {
  await tf.setBackend('siglip')
  const [t, e] = [tf.tensor2d([1, 2, 3, 4], [2, 2]), tf.zeros([2, 2])]
  const condition = tf.tensor1d([0, 1], 'bool')
  expect(await kernel('Select', { condition, t, e }).array()).toEqual([
    [0, 0],
    [3, 4],
  ])
})

/** What a model of tf.layers learns. */
async function fitted(): Promise<readonly number[]> {
  const layers = [
    tf.layers.dense({
      inputShape: [6],
      units: 8,
      activation: 'relu',
      kernelInitializer: tf.initializers.glorotNormal({ seed: 1 }),
    }),
    tf.layers.batchNormalization(),
    tf.layers.layerNormalization(),
    tf.layers.dense({ units: 3, activation: 'softmax', kernelInitializer: tf.initializers.glorotNormal({ seed: 2 }) }),
  ]
  const model = tf.sequential({ layers })
  model.compile({ optimizer: tf.train.adam(0.02), loss: 'categoricalCrossentropy', metrics: ['accuracy'] })
  const [x, y] = tf.tidy(() => {
    const given = tf.randomNormal([32, 6], 0, 1, 'float32', 3)
    return [given, tf.cast(tf.oneHot(tf.argMax(tf.slice(given, [0, 0], [-1, 3]), 1), 3), 'float32')]
  })
  const { history } = await model.fit(x, y, { epochs: 6, batchSize: 8, shuffle: false })
  tf.dispose([x, y])
  model.dispose()
  return history['loss']!.map(Number)
}

it('fits a model of tf.layers as on tfjs’s cpu backend', async () => {
  await tf.setBackend('cpu')
  const expected = await fitted()
  await tf.setBackend('siglip')
  const found = await fitted()
  expect(expected.at(-1)).toBeLessThan(expected[0]! - 0.1)
  found.forEach((loss, i) => {
    expect(Math.abs(loss - expected[i]!)).toBeLessThan(1e-4)
  })
})

it('has a case for each kernel of the table', () => {
  const tried = new Set(Object.keys(cases).map((name) => name.split(' ')[0]))
  expect(Object.keys(graphKernels).filter((name) => !tried.has(name))).toEqual([])
})

it.each([
  ['shapes that do not fit', () => tf.add(tf.zeros([2]), tf.zeros([3]))],
  ['matrices that do not fit', () => tf.matMul(tf.zeros([2, 3]), tf.zeros([2, 3]))],
  ['an index out of range', () => tf.gather(tf.zeros([2, 3]), tf.tensor1d([2], 'int32'))],
  ['a slice that is too large', () => tf.slice(tf.zeros([2, 3]), [0, 2], [2, 2])],
])('refuses %s', async (_name, run) => {
  await tf.setBackend('siglip')
  expect(() => tf.tidy(run)).toThrow()
})
