import * as tf from '@tensorflow/tfjs'
import { TraceError } from '../../../src/errors.js'
import { useBackend } from '../../../src/backend/backend-node.js'
import { nodesOf } from '../../../src/jit/graph.js'
import { record } from '../../../src/jit/record/recorder.js'
import { runGraph } from '../graph-runner.js'

beforeAll(async () => {
  await useBackend('native', { quiet: true })
})

it('writes down operations, constants, captures and assignments, and leaves everything as it was', () => {
  const weight = tf.variable(tf.ones([3, 4]), true, 'weight')
  const x = tf.ones([2, 3])
  const before = tf.memory().numTensors
  const { graph, captures, returned, assigned } = record(
    ([x = tf.scalar(0)]) => {
      const y = tf.matMul(x, weight)
      weight.assign(tf.add(weight, 1))
      return [tf.tanh(y), tf.gather(y, tf.tensor1d([0, 1], 'int32')), tf.add(y, tf.sum(weight)), weight]
    },
    [x],
  )
  expect(tf.memory().numTensors).toBe(before)
  const operations = nodesOf(graph.results).flatMap((node) => (node.kind === 'operation' ? [node] : []))
  expect(operations.map(({ op }) => op)).toEqual(['BatchMatMulV2', 'Tanh', 'GatherV2', 'Add', 'Sum', 'Add'])
  expect(operations.find(({ op }) => op === 'GatherV2')?.line).toMatch(/recorder\.test\.ts:\d+:\d+$/)
  expect(graph.results.map(({ shape }) => shape)).toEqual([
    [2, 4],
    [2, 4],
    [2, 4],
    [3, 4],
  ])
  expect(returned).toEqual([0, 1, 2, 3])
  expect(assigned).toEqual([{ variable: weight, result: 3 }])
  expect(captures[0]?.tensor).toBe(weight)
  expect([...weight.dataSync()]).toEqual(Array<number>(12).fill(1))
  weight.dispose()
})

it('keeps variables apart that started from one tensor', () => {
  const start = tf.tensor1d([1, 2])
  const [a, b] = [tf.variable(start), tf.variable(start)]
  const { graph, captures } = record(() => [tf.add(a, tf.mul(b, 10)), tf.add(start, b)], [])
  expect(captures.map(({ tensor }) => [a, b].findIndex((variable) => variable === tensor))).toEqual([1, 0, -1])
  a.assign(tf.tensor1d([5, 5]))
  const [sum] = runGraph(
    graph,
    [],
    captures.map(({ tensor }) => tensor),
  )
  expect([...sum!.dataSync()]).toEqual([15, 25])
  tf.dispose([a, b])
})

it('reads what is known: constants have values, and shapes are shapes', () => {
  const x = tf.ones([2, 3])
  const { graph } = record(
    ([x = tf.scalar(0)]) => {
      const [two = 0] = tf.tensor1d([2]).dataSync()
      return [tf.mul(x, two * (x.shape[1] ?? 0) * tf.memory().numTensors * 0)]
    },
    [x],
  )
  expect(graph.results[0]?.shape).toEqual([2, 3])
})

describe('refuses, naming the line,', () => {
  const x = (): tf.Tensor => tf.tensor2d([1, 2, 3, 4], [2, 2])
  const variable = (): tf.Variable => tf.variable(x())
  let kept: tf.Tensor
  const cases: readonly (readonly [what: string, fn: (x: tf.Tensor) => tf.Tensor, message: RegExp])[] = [
    ['reading values', (x) => tf.scalar(tf.sum(x).dataSync()[0] ?? 0), /values of a tensor are read/],
    ['arraySync', (x) => tf.tensor(x.arraySync()), /values of a tensor are read/],
    ['printing', (x) => (tf.square(x).print(), x), /values of a tensor are read/],
    ['reading what is captured', (x) => tf.mul(x, Number(captured.dataSync()[0])), /values of a tensor are read/],
    ['random tensors', (x) => tf.add(x, tf.randomNormal([2, 2])), /random number is drawn/],
    ['random numbers', (x) => tf.add(x, Math.random()), /random number is drawn/],
    ['dropout', (x) => tf.dropout(x, 0.5), /random number is drawn/],
    ['drawing with a seed of its own', (x) => tf.multinomial(x as tf.Tensor2D, 3, 7), /random number is drawn/],
    [
      'shapes that depend on values',
      (x) => tf.unique(tf.reshape(x, [-1])).values,
      /shape depends on the values.*Unique/,
    ],
    ['operations that TensorFlow refuses', (x) => tf.concat([x, tf.zeros([3, 3])]), /shape|[Dd]imension/],
    ['text', (x) => (tf.equal(tf.tensor1d(['a', 'b']), tf.tensor1d(['a', 'c'])), x), /numbers only/],
    ['disposing of a variable', (x) => (doomed.dispose(), x), /variable is disposed/],
    ['a tensor out of another recording', (x) => tf.add(x, kept), /used outside it/],
  ]
  let captured: tf.Tensor
  let doomed: tf.Variable
  beforeAll(() => {
    captured = x()
    record(([x = tf.scalar(0)]) => [(kept = tf.keep(tf.square(x)))], [captured])
  })

  it.each(cases)('%s', (_what, fn, message) => {
    doomed = variable()
    const given = x()
    const { numTensors } = tf.memory()
    const { random } = Math
    expect(() => record(([x = tf.scalar(0)]) => [fn(x)], [given])).toThrow(TraceError)
    expect(() => record(([x = tf.scalar(0)]) => [fn(x)], [given])).toThrow(message)
    expect(() => record(([x = tf.scalar(0)]) => [fn(x)], [given])).toThrow(/recorder\.test\.ts:\d+:\d+/)
    expect(tf.memory().numTensors).toBe(numTensors)
    expect(Math.random).toBe(random)
    expect([...tf.add(given, 1).dataSync()]).toEqual([2, 3, 4, 5]) // everything works as before
  })

  it('tensors that were kept out of a recording', () => {
    expect(() => tf.add(kept, 1)).toThrow(/used outside it.*recorder\.test\.ts/)
    expect(() => kept.dataSync()).toThrow(/used outside it.*recorder\.test\.ts/)
    kept.dispose()
  })
})
