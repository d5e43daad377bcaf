import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'

import * as tf from '@tensorflow/tfjs'

import { BackendError } from '../../src/errors.js'
import { useBackend } from '../../src/backend/backend-node.js'
import { compile } from '../../src/jit/compile.js'
import { type Engine, loadEngine } from '../../src/jit/program/engine.js'
import { jitted } from '../../src/jit/jitted.js'
import { type Run } from './expect-as-eager.js'

/** The engine whose memory runs out when a test says so (test/native/failing-memory.cc): scripts/emulate-processors.js makes it. */
const failing = join(process.cwd(), 'out', 'emulated', 'engine.node')
const order = `/tmp/siglip-tfjs-memory-${process.pid}`

let engine: Engine
let turn = 0

/** Runs something in a process that gets so many more pieces of memory, and then none. */
async function withMemory<T>(mappings: number, run: () => T | Promise<T>): Promise<T> {
  writeFileSync(order, `${++turn}:${mappings}`)
  try {
    return await run()
  } finally {
    rmSync(order)
  }
}

const normal = (...shape: number[]): tf.Tensor => tf.randomNormal(shape, 0, 1, 'float32', shape.length)
const segments = Array.from({ length: 600 }, (_, i) => i % 7)

/** Functions, and what they take, new each time: they need memory for results, for what threads share, and for their own. */
const functions: Readonly<Record<string, () => readonly [run: Run, ...inputs: tf.Tensor[]]>> = {
  'a product': () => [(a, b) => tf.matMul(a, b), normal(700, 300), normal(300, 500)],
  'many products': () => [(a, b) => tf.matMul(a, b), normal(6, 70, 30), normal(6, 30, 50)],
  'a product by weights, packed': () => {
    const weights = tf.variable(normal(512, 384))
    return [(a) => tf.matMul(a, weights), normal(64, 512)]
  },
  attention: () => [
    (q, k, v) => tf.matMul(tf.softmax(tf.mul(tf.matMul(q, k, false, true), 0.2)), v),
    ...[normal(2, 3, 90, 16), normal(2, 3, 90, 16), normal(2, 3, 90, 16)],
  ],
  'rows, and sums over all': () => [(x) => tf.sum(tf.exp(tf.mul(x, 0.1)), 0), normal(900, 700)],
  'sums of segments': () => [(x) => tf.unsortedSegmentSum(x, tf.tensor1d(segments, 'int32'), 7), normal(600, 300)],
  'a large result': () => [(x) => tf.add(tf.tanh(x), 1), normal(1024, 1024)],
}

const recordedOf = (run: Run): ReturnType<typeof jitted<tf.Tensor[], tf.Tensor[]>> =>
  jitted(
    (...inputs: tf.Tensor[]) => [run(...inputs)].flat(),
    () => ({
      host: engine.host,
      compile: (graph, variables) => engine.compile(compile(graph, { precision: 'float32', variables })),
    }),
    { maxTraces: 1, inPlace: false },
  )

function expectClose(found: readonly tf.Tensor[], expected: readonly tf.Tensor[]): void {
  for (const [i, tensor] of expected.entries()) {
    const far = tf.tidy(() => tf.max(tf.abs(tf.sub(found[i] ?? NaN, tensor))).dataSync<'float32'>()[0])
    expect(far).toBeLessThan(1e-3)
  }
}

/** What a call gives, or the error it ends with. */
async function outcomeOf(call: () => tf.Tensor[] | Promise<tf.Tensor[]>): Promise<tf.Tensor[] | Error> {
  try {
    return await call()
  } catch (error) {
    if (error instanceof BackendError) return error
    throw error
  }
}

if (!existsSync(failing)) process.stderr.write('NOT TESTED: what the engine does where memory runs out\n')
const suite = existsSync(failing) ? describe : describe.skip
suite('where memory runs out', () => {
  beforeAll(async () => {
    await useBackend('native', { quiet: true })
    const loaded = loadEngine(failing)
    if ('missing' in loaded) throw new Error(loaded.missing)
    engine = loaded
  })

  const cases = Object.entries(functions).flatMap(([name, made]) =>
    (['at once', 'asynchronously'] as const).map((calling) => ({ name, made, calling })),
  )
  it.each(cases)('an error says so, and the next call is right: $name, $calling', async ({ made, calling }) => {
    for (const set of engine.usable) {
      engine.setKernels(set)
      const [run, ...inputs] = made()
      const expected = [run(...inputs)].flat()
      let failures = 0
      for (let mappings = 0, isEnough = false; !isEnough; mappings++) {
        engine.setThreads(1)
        engine.setThreads(3) // whose memory is new
        const recorded = recordedOf(run)
        const outcome = await withMemory(mappings, () =>
          outcomeOf(() => (calling === 'at once' ? recorded(...inputs) : recorded.async(...inputs))),
        )
        isEnough = Array.isArray(outcome)
        if (!Array.isArray(outcome)) {
          failures++
          expect(outcome.message).toMatch(/The engine has not enough memory: found no \d+ bytes more.*smaller batches/)
        }
        const results = Array.isArray(outcome) ? outcome : recorded(...inputs)
        expectClose(results, expected)
        tf.dispose(results)
        recorded.dispose()
      }
      expect({ set, hasFailed: failures > 0 }).toEqual({ set, hasFailed: true })
    }
  })
})
