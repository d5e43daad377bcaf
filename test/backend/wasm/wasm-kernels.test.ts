import * as tf from '@tensorflow/tfjs'
import fc from 'fast-check'

import { onEachBackend } from '../../backends.js'

/** An operation that a forward or backward pass needs: its inputs' shapes, and what it does. */
type Case = readonly [name: string, shapes: readonly (readonly number[])[], f: (...inputs: tf.Tensor[]) => tf.Tensor]

const ids = () =>
  tf.tensor2d(
    [
      [1, 0, 4],
      [4, 4, 2],
    ],
    [2, 3],
    'int32',
  )

/** Every kind of operation in a SigLIP model, its losses and their gradients, on shapes that are no powers of two. */
const cases: readonly Case[] = [
  [
    'matMul',
    [
      [5, 7],
      [7, 3],
    ],
    (a, b) => tf.matMul(a, b),
  ],
  [
    'matMul, second transposed',
    [
      [5, 7],
      [3, 7],
    ],
    (a, b) => tf.matMul(a, b, false, true),
  ],
  [
    'matMul, first transposed',
    [
      [7, 5],
      [7, 3],
    ],
    (a, b) => tf.matMul(a, b, true, false),
  ],
  [
    'batched matMul',
    [
      [2, 3, 5, 7],
      [2, 3, 7, 4],
    ],
    (a, b) => tf.matMul(a, b),
  ],
  [
    'batched matMul, second transposed',
    [
      [2, 3, 5, 7],
      [2, 3, 6, 7],
    ],
    (a, b) => tf.matMul(a, b, false, true),
  ],
  ['add, broadcast over rows', [[4, 6], [6]], (a, b) => tf.add(a, b)],
  [
    'add, broadcast over batches',
    [
      [2, 5, 6],
      [1, 5, 6],
    ],
    (a, b) => tf.add(a, b),
  ],
  ['add a scalar', [[2, 3], []], (a, b) => tf.add(a, b)],
  [
    'sub',
    [
      [4, 6],
      [4, 1],
    ],
    (a, b) => tf.sub(a, b),
  ],
  ['mul', [[4, 6], [6]], (a, b) => tf.mul(a, b)],
  ['mul by a scalar', [[4, 6], []], (a, b) => tf.mul(a, b)],
  [
    'div',
    [
      [4, 6],
      [4, 1],
    ],
    (a, b) => tf.div(a, tf.add(tf.square(b), 1)),
  ],
  [
    'squaredDifference',
    [
      [4, 6],
      [4, 6],
    ],
    (a, b) => tf.squaredDifference(a, b),
  ],
  ['neg', [[4, 6]], (a) => tf.neg(a)],
  ['square', [[4, 6]], (a) => tf.square(a)],
  ['sqrt', [[4, 6]], (a) => tf.sqrt(tf.add(tf.square(a), 0.5))],
  ['rsqrt', [[4, 6]], (a) => tf.rsqrt(tf.add(tf.square(a), 0.5))],
  ['pow', [[4, 6]], (a) => tf.pow(tf.add(tf.square(a), 0.5), 3)],
  ['abs', [[4, 6]], (a) => tf.abs(a)],
  ['exp', [[4, 6]], (a) => tf.exp(a)],
  ['log', [[4, 6]], (a) => tf.log(tf.add(tf.square(a), 0.5))],
  ['log1p', [[4, 6]], (a) => tf.log1p(tf.square(a))],
  ['expm1', [[4, 6]], (a) => tf.expm1(a)],
  ['softplus', [[4, 6]], (a) => tf.softplus(a)],
  ['logSigmoid', [[4, 6]], (a) => tf.logSigmoid(a)],
  ['sigmoid', [[4, 6]], (a) => tf.sigmoid(a)],
  ['tanh', [[4, 6]], (a) => tf.tanh(a)],
  ['erf', [[4, 6]], (a) => tf.erf(a)],
  ['relu', [[4, 6]], (a) => tf.relu(a)],
  ['relu6', [[4, 6]], (a) => tf.relu6(a)],
  ['leakyRelu', [[4, 6]], (a) => tf.leakyRelu(a, 0.01)],
  ['elu', [[4, 6]], (a) => tf.elu(a)],
  ['selu', [[4, 6]], (a) => tf.selu(a)],
  ['clipByValue', [[4, 6]], (a) => tf.clipByValue(a, -0.5, 0.5)],
  [
    'maximum',
    [
      [4, 6],
      [4, 6],
    ],
    (a, b) => tf.maximum(a, b),
  ],
  [
    'minimum',
    [
      [4, 6],
      [4, 6],
    ],
    (a, b) => tf.minimum(a, b),
  ],
  ['softmax', [[2, 3, 5, 7]], (a) => tf.softmax(a)],
  ['softmax under a mask', [[2, 7]], (a) => tf.softmax(tf.add(a, [0, 0, -3.4028234663852886e38, 0, 0, 0, 0]))],
  ['logSoftmax', [[4, 6]], (a) => tf.logSoftmax(a)],
  ['logSumExp', [[4, 6]], (a) => tf.logSumExp(a, 1)],
  ['sum of all', [[4, 6]], (a) => tf.sum(a)],
  ['sum over the last axis', [[2, 4, 6]], (a) => tf.sum(a, -1, true)],
  ['sum over the first axis', [[2, 4, 6]], (a) => tf.sum(a, 0)],
  ['sum over outer axes', [[2, 4, 6]], (a) => tf.sum(a, [0, 1])],
  ['mean', [[2, 4, 6]], (a) => tf.mean(a, -1, true)],
  ['max', [[2, 4, 6]], (a) => tf.max(a, -1)],
  ['min', [[2, 4, 6]], (a) => tf.min(a, -1)],
  ['prod', [[4, 3]], (a) => tf.prod(a, 1)],
  ['moments', [[2, 4, 6]], (a) => tf.moments(a, -1).variance],
  ['norm', [[4, 6]], (a) => tf.norm(a, 2, 1, true)],
  ['cumsum', [[2, 6]], (a) => tf.cumsum(a, 1)],
  ['transpose 2-D', [[4, 6]], (a) => tf.transpose(a)],
  ['transpose of heads', [[2, 5, 3, 4]], (a) => tf.transpose(a, [0, 2, 1, 3])],
  ['transpose of patches, 6-D', [[2, 3, 2, 4, 3, 5]], (a) => tf.transpose(a, [0, 2, 4, 1, 3, 5])],
  ['transpose 5-D', [[2, 3, 2, 4, 3]], (a) => tf.transpose(a, [3, 0, 4, 2, 1])],
  ['reshape', [[4, 6]], (a) => tf.reshape(a, [2, 2, 6])],
  ['expandDims', [[4, 6]], (a) => tf.expandDims(a, 1)],
  ['squeeze', [[4, 1, 6]], (a) => tf.squeeze(a, [1])],
  ['slice', [[4, 6, 3]], (a) => tf.slice(a, [1, 0, 1], [2, 6, 2])],
  [
    'pad',
    [[3, 4]],
    (a) =>
      tf.pad(
        a,
        [
          [1, 0],
          [2, 1],
        ],
        0.5,
      ),
  ],
  [
    'concat',
    [
      [2, 3],
      [4, 3],
    ],
    (a, b) => tf.concat([a, b], 0),
  ],
  [
    'concat of the last axis',
    [
      [2, 3],
      [2, 5],
    ],
    (a, b) => tf.concat([a, b], 1),
  ],
  [
    'stack',
    [
      [2, 3],
      [2, 3],
    ],
    (a, b) => tf.stack([a, b], 1),
  ],
  ['unstack', [[2, 3]], (a) => tf.addN(tf.unstack(a, 1))],
  ['split', [[6, 4]], (a) => tf.concat(tf.split(a, [1, 3, 2], 0).reverse(), 0)],
  ['tile', [[1, 3]], (a) => tf.tile(a, [4, 2])],
  ['broadcastTo', [[1, 3]], (a) => tf.broadcastTo(a, [4, 3])],
  ['reverse', [[3, 4]], (a) => tf.reverse(a, 0)],
  ['gather', [[5, 4]], (a) => tf.gather(a, ids())],
  ['gather of a middle axis', [[2, 5, 4]], (a) => tf.gather(a, tf.tensor1d([4, 4, 1], 'int32'), 1)],
  ['gather of the last axis', [[2, 5]], (a) => tf.gather(a, tf.tensor1d([4, 4, 1], 'int32'), 1)],
  [
    'where',
    [
      [2, 3],
      [2, 3],
    ],
    (a, b) =>
      tf.where(
        tf.tensor2d(
          [
            [1, 0, 1],
            [0, 0, 1],
          ],
          [2, 3],
          'bool',
        ),
        a,
        b,
      ),
  ],
  ['oneHot', [[2, 3, 5]], (a) => tf.mul(a, tf.oneHot(ids(), 5))],
  ['eye', [[4, 4]], (a) => tf.mul(a, tf.eye(4))],
  ['dropout that keeps all', [[4, 6]], (a) => tf.dropout(a, 0)],
  ['prelu', [[4, 6], [6]], (a, b) => tf.prelu(a, b)],
  ['resizeBilinear', [[1, 4, 4, 3]], (a) => tf.image.resizeBilinear(asImage(a), [7, 5], false, true)],
]

/** Operations without a gradient. */
const constants: readonly Case[] = [
  ['argMax', [[4, 6]], (a) => tf.argMax(a, -1)],
  ['topk', [[4, 6]], (a) => tf.topk(a, 3).indices],
  ['cast', [[4, 6]], (a) => tf.cast(a, 'int32')],
  ['greater', [[4, 6], [6]], (a, b) => tf.greater(a, b)],
  ['equal', [[4, 6]], (a) => tf.equal(a, a)],
  ['logicalAnd', [[4, 6]], (a) => tf.logicalAnd(tf.greater(a, 0), tf.less(a, 1))],
  ['logicalNot', [[4, 6]], (a) => tf.logicalNot(tf.greater(a, 0))],
  ['all', [[4, 6]], (a) => tf.all(tf.greater(a, -1), 1)],
  ['any', [[4, 6]], (a) => tf.any(tf.greater(a, 1), 1)],
  ['isNaN', [[4, 6]], (a) => tf.isNaN(tf.sqrt(a))],
  ['floor', [[4, 6]], (a) => tf.floor(a)],
  ['round', [[4, 6]], (a) => tf.round(a)],
  ['sign', [[4, 6]], (a) => tf.sign(a)],
  ['range', [[]], (a) => tf.add(tf.range(0, 7), a)],
]

function asImage(a: tf.Tensor): tf.Tensor4D {
  const [batch = 0, height = 0, width = 0, channels = 0] = a.shape
  return tf.reshape(a, [batch, height, width, channels])
}

/** Reproducible numbers between −2 and 2 without structure. */
function numbers(count: number, seed: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => Math.sin((i + 1) * 12.9898 + seed * 78.233) * 2)
}

function inputsOf([, shapes]: Case): tf.Tensor[] {
  return shapes.map((shape, i) => tf.tensor(numbers(tf.util.sizeFromShape([...shape]), i), [...shape]))
}

/** The value and every gradient of a weighted sum of it, so that no gradient is the same everywhere. */
async function evaluate(example: Case): Promise<number[][]> {
  const [, , f] = example
  const inputs = inputsOf(example)
  const value = tf.tidy(() => f(...inputs))
  const weights = tf.tensor(numbers(value.size, 9), value.shape)
  const gradients = tf.tidy(() => tf.grads((...x: tf.Tensor[]) => tf.sum(tf.mul(f(...x), weights)))(inputs))
  const results = await Promise.all([value, ...gradients].map(async (tensor) => [...(await tensor.data())]))
  tf.dispose([inputs, value, weights, gradients])
  return results
}

function largestDeviation(actual: readonly number[], expected: readonly number[]): number {
  expect(actual).toHaveLength(expected.length)
  return Math.max(0, ...actual.map((x, i) => Math.abs(x - (expected[i] ?? NaN)) / (1 + Math.abs(expected[i] ?? NaN))))
}

onEachBackend(() => {
  it.each(cases)('%s: the value and its gradients are plain JavaScript’s', async (...args) => {
    const backend = tf.getBackend()
    await tf.setBackend('cpu')
    const expected = await evaluate(args)
    await tf.setBackend(backend)
    const actual = await evaluate(args)
    expect(actual).toHaveLength(expected.length)
    for (const [i, values] of actual.entries()) expect(largestDeviation(values, expected[i] ?? [])).toBeLessThan(1e-5)
  })

  it.each(constants)('%s: the value is plain JavaScript’s', async (...args) => {
    const value = () => tf.tidy(() => [...args[2](...inputsOf(args)).dataSync()])
    const backend = tf.getBackend()
    await tf.setBackend('cpu')
    const expected = value()
    await tf.setBackend(backend)
    expect(largestDeviation(value(), expected)).toBeLessThan(1e-6)
  })

  it('sums segments of any shape', () => {
    const shape = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 0, maxLength: 3 })
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 9 }), shape, (segments, row) => {
        const size = tf.util.sizeFromShape(row)
        const values = numbers(segments.length * size, 3)
        const expected = new Float32Array(5 * size)
        for (const [i, s] of segments.entries()) {
          for (let j = 0; j < size; j++) expected[s * size + j]! += values[i * size + j]!
        }
        const sums = tf.tidy(() => {
          const x = tf.tensor(values, [segments.length, ...row])
          return tf.unsortedSegmentSum(x, tf.tensor1d(segments, 'int32'), 5).dataSync()
        })
        expect(largestDeviation([...sums], [...expected])).toBeLessThan(1e-6)
      }),
      { numRuns: 50 },
    )
  })

  it('leaves no tensor behind', async () => {
    const before = tf.memory().numTensors
    await evaluate(cases[0]!)
    expect(tf.memory().numTensors).toBe(before)
  })
})
