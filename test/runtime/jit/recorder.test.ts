import * as tf from '@tensorflow/tfjs'
import { useBackend } from '../../../src/runtime/backend-node.js'
import { nodesOf } from '../../../src/runtime/jit/graph.js'
import { record } from '../../../src/runtime/jit/recorder.js'

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
  expect(operations.every(({ line }) => line?.includes('recorder.test.ts'))).toBe(true)
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
