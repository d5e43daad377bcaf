import { existsSync } from 'node:fs'
import { join } from 'node:path'

import * as tf from '@tensorflow/tfjs'

import { BackendError } from '../../../src/errors.js'
import { useBackend } from '../../../src/runtime/backend-node.js'
import { compile } from '../../../src/runtime/jit/compile.js'
import { type Engine, loadEngine } from '../../../src/runtime/jit/engine.js'
import { jitted } from '../../../src/runtime/jit/jitted.js'

/** Whose memory runs out when a test wants it to: scripts/emulate-processors.js makes it. */
const failing = join(process.cwd(), 'out', 'emulated', 'engine.node')

let engine: Engine
let turn = 0

/** Runs something in a process that gets `mappings` more pieces of memory, and then none. */
async function withMemory<T>(mappings: number, run: () => T | Promise<T>): Promise<T> {
  process.env['SIGLIP_TEST_NO_MEMORY'] = `${++turn}:${mappings}`
  try {
    return await run()
  } finally {
    delete process.env['SIGLIP_TEST_NO_MEMORY']
  }
}

const normal = (...shape: number[]): tf.Tensor => tf.randomNormal(shape, 0, 1, 'float32', shape.length)

/** Functions, each with what it needs memory for. */
const functions: Readonly<Record<string, () => { fn: (...args: tf.Tensor[]) => tf.Tensor; args: tf.Tensor[] }>> = {
  'a product, threads of their own memory': () => ({
    fn: (a, b) => tf.matMul(a!, b!),
    args: [normal(700, 300), normal(300, 500)],
  }),
  'many products': () => ({ fn: (a, b) => tf.matMul(a!, b!), args: [normal(6, 70, 30), normal(6, 30, 50)] }),
  'a product by weights, packed': () => {
    const weights = tf.variable(normal(512, 384))
    return { fn: (a) => tf.matMul(a!, weights), args: [normal(64, 512)] }
  },
  attention: () => ({
    fn: (q, k, v) => tf.matMul(tf.softmax(tf.mul(tf.matMul(q!, k!, false, true), 0.2)), v!),
    args: [normal(2, 3, 90, 16), normal(2, 3, 90, 16), normal(2, 3, 90, 16)],
  }),
  'rows, and sums over all': () => ({ fn: (x) => tf.sum(tf.exp(tf.mul(x!, 0.1)), 0), args: [normal(900, 700)] }),
  'sums of segments': () => ({
    fn: (x) =>
      tf.unsortedSegmentSum(
        x as tf.Tensor2D,
        tf.tensor1d(
          Array.from({ length: 600 }, (_, i) => i % 7),
          'int32',
        ),
        7,
      ),
    args: [normal(600, 300)],
  }),
  'a large result': () => ({ fn: (x) => tf.add(tf.tanh(x!), 1), args: [normal(1024, 1024)] }),
}

const suite = existsSync(failing) ? describe : describe.skip
suite('where memory runs out', () => {
  beforeAll(async () => {
    await useBackend('native', { quiet: true })
    const loaded = loadEngine(failing)
    if ('missing' in loaded) throw new Error(loaded.missing)
    engine = loaded
  })

  it.each(Object.keys(functions))(
    'each thing it needs memory for is an error, and the next run right: %s',
    async (name) => {
      const sets = engine.usable
      for (const [i, set] of sets.entries()) {
        engine.setKernels(set)
        const { fn, args } = functions[name]!()
        const expected = tf.tidy(() => fn(...args))
        for (const isAsync of [false, true]) {
          let failures = 0
          for (let mappings = 0; ; mappings++) {
            engine.setThreads(i % 2 ? 1 : 2)
            engine.setThreads(3) // whose memory is new
            const recorded = jitted(
              fn,
              () => ({
                shapes: engine.shapeGraph,
                compile: (graph, variables) => engine.compile(compile(graph, { precision: 'float32', variables })),
              }),
              { maxTraces: 1, inPlace: false },
            )
            const found = await withMemory(mappings, async () => {
              try {
                return isAsync ? await recorded.async(...args) : recorded(...args)
              } catch (error) {
                return error
              }
            })
            if (!(found instanceof tf.Tensor)) {
              failures++
              expect(found).toBeInstanceOf(BackendError)
              expect(String(found)).toMatch(
                /The engine has not enough memory: found no \d+ bytes more.*smaller batches/,
              )
            }
            const result = found instanceof tf.Tensor ? found : recorded(...args)
            const far = tf.tidy(() => tf.max(tf.abs(tf.sub(result, expected))).dataSync()[0])
            expect(far).toBeLessThan(1e-3)
            result.dispose()
            recorded.dispose()
            if (found instanceof tf.Tensor) break
          }
          expect(failures).toBeGreaterThan(0)
        }
      }
      engine.setKernels(sets[0]!)
    },
  )
})
