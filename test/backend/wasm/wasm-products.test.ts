import * as tf from '@tensorflow/tfjs'
import fc from 'fast-check'

import { useBackend } from '../../../src/backend/backend-node.js'
import { isWasm } from '../../../src/backend/wasm/is-wasm.js'
import { registerWasmProducts } from '../../../src/backend/wasm/wasm-products.js'

beforeAll(async () => {
  await useBackend('wasm', { quiet: true })
})
beforeEach(() => {
  tf.engine().startScope()
})
afterEach(() => {
  tf.engine().endScope()
})

/** Each number of `[count, m, n]` by the definition, in double precision, the batches broadcast. */
function expected(a: tf.Tensor, b: tf.Tensor, [transposeA, transposeB]: readonly [boolean, boolean]): number[] {
  const batch = tf.broadcast_util.assertAndGetBroadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2))
  if (batch.includes(0)) return [] // tfjs transposes nothing of that kind
  const whole = (x: tf.Tensor, isTransposed: boolean) => {
    const all = tf.broadcastTo(x, [...batch, ...x.shape.slice(-2)])
    const axes = [...all.shape.keys()]
    const turned = isTransposed ? tf.transpose(all, [...axes.slice(0, -2), ...axes.slice(-2).reverse()]) : all
    return { data: turned.dataSync(), rows: turned.shape.at(-2)!, columns: turned.shape.at(-1)! }
  }
  const [left, right] = [whole(a, transposeA), whole(b, transposeB)]
  const [m, k, n] = [left.rows, left.columns, right.columns]
  const result: number[] = []
  for (let item = 0; item < tf.util.sizeFromShape(batch); item++)
    for (let i = 0; i < m; i++)
      for (let j = 0; j < n; j++) {
        let sum = 0
        for (let l = 0; l < k; l++) sum += left.data[item * m * k + i * k + l]! * right.data[item * k * n + l * n + j]!
        result.push(sum)
      }
  return result
}

function expectClose(found: tf.Tensor, values: readonly number[]): void {
  const data = found.dataSync()
  expect(data).toHaveLength(values.length)
  expect(values.reduce((most, value, i) => Math.max(most, Math.abs(value - data[i]!)), 0)).toBeLessThan(1e-4)
}

const BATCHES: readonly (readonly [number[], number[]])[] = [
  [[], []],
  [[3], [3]],
  [[3], []],
  [[], [2]],
  [[1], [4]],
  [
    [2, 3],
    [2, 3],
  ],
  [
    [2, 1],
    [1, 3],
  ],
  [[2], [3, 2]],
  [
    [2, 3],
    [1, 1],
  ],
  [[0], [0]],
]
const size = fc.constantFrom(1, 2, 3, 5, 17, 33)
const cases = fc.record({
  batch: fc.constantFrom(...BATCHES),
  m: size,
  k: size,
  n: size,
  flags: fc.tuple(fc.boolean(), fc.boolean()),
})
type Case = typeof cases extends fc.Arbitrary<infer T> ? T : never

function operands({ batch: [left, right], m, k, n, flags: [ta, tb] }: Case): [tf.Tensor, tf.Tensor] {
  return [tf.randomNormal([...left, ...(ta ? [k, m] : [m, k])]), tf.randomNormal([...right, ...(tb ? [n, k] : [k, n])])]
}

it('multiplies whatever is transposed and broadcast', () => {
  fc.assert(
    fc.property(cases, (it) => {
      tf.tidy(() => {
        const [a, b] = operands(it)
        expectClose(tf.matMul(a, b, ...it.flags), expected(a, b, it.flags))
      })
    }),
    { numRuns: 300 },
  )
})

it('gives zeros for a sum over nothing, and nothing for no rows', () => {
  tf.tidy(() => void tf.fill([4, 4], 7)) // what the memory held
  for (const flags of [
    [false, false],
    [true, true],
  ] as const) {
    const [a, b] = [tf.zeros(flags[0] ? [0, 3] : [3, 0]), tf.zeros(flags[1] ? [4, 0] : [0, 4])]
    const product = tf.matMul(a, b, ...flags)
    expect(product.shape).toEqual([3, 4])
    expect([...product.dataSync()]).toEqual(new Array(12).fill(0))
  }
  expect(tf.matMul(tf.zeros([0, 3]), tf.zeros([5, 3]), false, true).shape).toEqual([0, 5])
})

it('gives the bits of the plain product, whichever operand it transposes', () => {
  for (const [m, k, n] of [
    [3, 70, 90],
    [90, 70, 3],
    [64, 64, 64],
    [1, 33, 50],
  ] as const) {
    const [x, w] = [tf.randomNormal<tf.Rank.R2>([m, k]), tf.randomNormal<tf.Rank.R2>([n, k])]
    const plain = tf.matMul(x, tf.transpose(w)).dataSync()
    expect(tf.matMul(x, w, false, true).dataSync()).toEqual(plain)
    expect(tf.matMul(tf.transpose(x), w, true, true).dataSync()).toEqual(plain)
    expect(tf.matMul(tf.transpose(x), tf.transpose(w), true, false).dataSync()).toEqual(plain)
    const stacked = tf.matMul(tf.stack([x, x]), tf.stack([w, w]), false, true)
    expect(stacked.dataSync()).toEqual(Float32Array.from([...plain, ...plain]))
  }
})

it('adds a bias and applies an activation, transposed and in batches too', () => {
  const activations = ['linear', 'relu', 'relu6', 'sigmoid', 'elu', 'leakyrelu', 'prelu'] as const
  const apply = (name: (typeof activations)[number], x: tf.Tensor, alpha: tf.Tensor): tf.Tensor =>
    name === 'linear'
      ? x
      : name === 'leakyrelu'
        ? tf.leakyRelu(x, 0.3)
        : name === 'prelu'
          ? tf.prelu(x, alpha)
          : tf[name](x)
  fc.assert(
    fc.property(cases, fc.constantFrom(...activations), (it, activation) => {
      fc.pre(it.batch.every((batch) => batch.length <= 1) && !it.batch.flat().includes(0))
      tf.tidy(() => {
        const [a, b] = operands(it)
        const [bias, alpha] = [tf.randomNormal<tf.Rank.R1>([it.n]), tf.randomUniform<tf.Rank.R1>([it.n])]
        const [transposeA, transposeB] = it.flags
        const found = tf.fused.matMul({
          ...{ a, b, transposeA, transposeB, bias, activation, leakyreluAlpha: 0.3 },
          ...(activation === 'prelu' && { preluActivationWeights: alpha }),
        })
        const sums = tf.tensor(expected(a, b, it.flags), found.shape)
        expectClose(found, [...apply(activation, tf.add(sums, bias), alpha).dataSync()])
      })
    }),
    { numRuns: 200 },
  )
})

it('has gradients of all of them', () => {
  fc.assert(
    fc.property(cases, (it) => {
      fc.pre(it.batch[0].join() === it.batch[1].join())
      tf.tidy(() => {
        const [a, b] = operands(it)
        const dy = tf.randomNormal(tf.matMul(a, b, ...it.flags).shape)
        const [da, db] = tf.grads((x, y) => tf.matMul(x, y, ...it.flags))([a, b], dy)
        const [ta, tb] = it.flags
        expectClose(da!, ta ? expected(b, dy, [tb, true]) : expected(dy, b, [false, !tb]))
        expectClose(db!, tb ? expected(dy, a, [true, ta]) : expected(a, dy, [!ta, false]))
      })
    }),
    { numRuns: 100 },
  )
})

it('refuses shapes that do not fit, and other types than float32', () => {
  expect(() => tf.matMul(tf.zeros([3, 4]), tf.zeros([5, 6]), false, true)).toThrow()
  expect(() => tf.matMul(tf.zeros([2, 3, 4]), tf.zeros([3, 4, 6]))).toThrow()
  expect(() => tf.matMul(tf.zeros([3, 4], 'int32'), tf.zeros([4, 6], 'int32'), true, true)).toThrow()
})

it('keeps no memory', () => {
  const backend: unknown = tf.backend()
  if (!isWasm(backend)) throw new Error('not on wasm')
  const [x, w] = [tf.randomNormal<tf.Rank.R2>([64, 512]), tf.randomNormal<tf.Rank.R2>([1024, 512])]
  const [q, k] = [tf.randomNormal([8, 128, 64]), tf.randomNormal([8, 128, 64])]
  const run = () => {
    tf.tidy(() => {
      tf.matMul(x, w, false, true)
      tf.matMul(tf.matMul(q, k, false, true), k)
      tf.fused.matMul({ a: x, b: w, transposeB: true, activation: 'relu' })
    })
  }
  run()
  const bytes = () => backend.typedArrayFromHeap(x).buffer.byteLength
  const [ids, heap] = [backend.numDataIds(), bytes()]
  for (let i = 0; i < 100; i++) run() // each takes 6 MB
  expect(backend.numDataIds()).toBe(ids)
  expect(bytes() - heap).toBeLessThan(2 ** 25)
})

it('is registered once', () => {
  const before = tf.getKernel('BatchMatMul', 'wasm').kernelFunc
  registerWasmProducts()
  expect(tf.getKernel('BatchMatMul', 'wasm').kernelFunc).toBe(before)
})
