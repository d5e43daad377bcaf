import * as tf from '@tensorflow/tfjs'

import { compile } from '../../src/jit/compile.js'
import { jitted } from '../../src/jit/jitted.js'
import { onEveryKernel } from '../backends.js'
import { expectAsEager, type Run } from './expect-as-eager.js'

/** Numbers below the smallest normal one. */
const DENORMALS = [1e-40, -1e-40, 1.1e-38, 1e-45, -5e-39]
const denormals = (...shape: readonly number[]): tf.Tensor => {
  const length = shape.reduce((size, n) => size * n, 1)
  return tf.tensor(
    Float32Array.from({ length }, (_, i) => DENORMALS[i % DENORMALS.length] ?? 0),
    [...shape],
  )
}
const all = (value: number, ...shape: readonly number[]): tf.Tensor => tf.fill([...shape], value)

/** Functions that make what is denormal large: their results are other ones where denormals are numbers. */
const functions: Readonly<Record<string, readonly [run: Run, ...inputs: (() => tf.Tensor)[]]>> = {
  'elements that are denormal': [(x) => tf.mul(x, 1e15), () => denormals(300, 200)],
  'elements that become denormal': [(x) => tf.mul(tf.mul(x, 1e-15), 1e30), () => all(1e-25, 300, 200)],
  'comparisons with 0': [(x) => tf.cast(tf.greater(x, 0), 'float32'), () => denormals(300, 200)],
  quotients: [(x) => tf.mul(tf.div(x, 3e8), 1e30), () => all(1e-31, 300, 200)],
  roots: [(x) => tf.mul(tf.sqrt(tf.abs(x)), 1e15), () => denormals(300, 200)],
  'powers of e': [(x) => tf.mul(tf.exp(x), 1e30), () => all(-90, 300, 200)],
  'powers of denormals': [(x, y) => tf.pow(tf.abs(x), y), () => denormals(300, 200), () => all(0.5, 300, 200)],
  'denormal powers': [(x, y) => tf.pow(x, y), () => all(-2, 300, 200), () => denormals(300, 200)],
  'denormal powers of infinity': [(x, y) => tf.pow(x, y), () => all(-Infinity, 300, 200), () => denormals(300, 200)],
  'sums of rows': [(x) => tf.mul(tf.sum(x, 1), 1e15), () => denormals(300, 200)],
  'one product': [(a, b) => tf.matMul(a, b), () => denormals(90, 130), () => all(1e30, 130, 70)],
  'one large product': [(a, b) => tf.matMul(a, b), () => denormals(300, 130), () => all(1e30, 130, 250)],
  'an outer product': [(a, b) => tf.outerProduct(a.as1D(), b.as1D()), () => denormals(64), () => all(1e30, 330)],
  'many products': [(a, b) => tf.matMul(a, b), () => denormals(6, 70, 30), () => all(1e30, 6, 30, 50)],
  'products that are denormal': [
    (a, b) => tf.mul(tf.matMul(a, b), 1e30),
    () => all(1e-30, 90, 130),
    () => all(1e-12, 130, 70),
  ],
}

onEveryKernel((engine) => {
  it.each(Object.entries(functions))('takes denormals for zeros on all threads, as TensorFlow: %s', (_, program) => {
    const [run, ...makers] = program
    const inputs = makers.map((make) => make())
    expectAsEager(engine(), run, inputs)
  })

  it('moves denormals as they are', () => {
    const x = denormals(300, 200)
    const bitsOf = (y: tf.Tensor): Int32Array => new Int32Array(y.dataSync<'float32'>().slice().buffer)
    const run = (y: tf.Tensor): tf.Tensor[] => [tf.transpose(y), tf.gather(y, [5, 1, 1]), tf.concat([y, y], 1)]
    const graphs = {
      host: engine().host,
      compile: (graph: Parameters<typeof compile>[0]) => engine().compile(compile(graph, { precision: 'float32' })),
    }
    const fast = jitted(run, () => graphs, { maxTraces: 1, inPlace: false })
    for (const set of engine().usable) {
      engine().setKernels(set)
      expect(fast(x).map(bitsOf)).toEqual(run(x).map(bitsOf))
    }
    fast.dispose()
  })
})
