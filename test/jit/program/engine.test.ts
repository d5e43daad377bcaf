import { spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import * as tf from '@tensorflow/tfjs'

import { BackendError, InputError } from '../../../src/errors.js'
import type { Engine, Executable } from '../../../src/jit/program/engine.js'
import {
  type BufferSource,
  type Program,
  elementwiseOps,
  type Step,
  type View,
} from '../../../src/jit/program/program.js'
import { onEngine } from '../../backends.js'

const root = join(__dirname, '..', '..', '..')
const dist = (file: string) => join(root, 'dist', 'src', file)
let engine: Engine

/** A view of a whole buffer. */
function view(buffer: number, shape: readonly number[], dtype: View['dtype'] = 'float32'): View {
  const strides = shape.map((_, d) => shape.slice(d + 1).reduce((product, size) => product * size, 1))
  return { buffer, offset: 0, dtype, shape, strides }
}
const argument = (index = 0): BufferSource => ({ kind: 'argument', index })
const capture = (index = 0): BufferSource => ({ kind: 'capture', index })
const result = (shape: readonly number[], dtype: 'float32' | 'int32' | 'bool' = 'float32'): BufferSource => ({
  kind: 'result',
  index: 0,
  shape,
  dtype,
})
const program = (buffers: readonly BufferSource[], steps: readonly Step[], arenaBytes = 0): Program => ({
  buffers,
  arenaBytes,
  steps,
})
const row = (op: (typeof elementwiseOps)[number], to: number, a = 0, b = 0, c = 0) => [
  elementwiseOps.indexOf(op),
  to,
  a,
  b,
  c,
]

/** y = relu(x·wᵀ / 2), x an argument, w a capture, y the result; what a test changes comes last. */
function product(m: number, k: number, n: number, changed: object = {}): Program {
  const step: Step = {
    kind: 'product',
    a: view(0, [m, k]),
    b: { ...view(1, [k, n]), strides: [1, k] },
    c: view(2, [m, n]),
    precision: 'float32',
    alpha: 0.5,
    activation: 'relu',
    keep: true,
    ...changed,
  }
  return program([argument(), capture(), result([m, n])], [step])
}
const plainProduct = (x: tf.Tensor, w: tf.Tensor) => tf.relu(tf.mul(0.5, tf.matMul(x, w, false, true)))

function first(results: readonly tf.Tensor[]): tf.Tensor {
  const [tensor] = results
  if (!tensor) throw new Error('no result')
  return tensor
}

async function later(
  executable: Executable,
  args: readonly tf.Tensor[],
  captures: readonly tf.Tensor[],
): Promise<tf.Tensor[]> {
  const { ended, finish } = executable.start(args, captures)
  await ended
  return finish()
}

function run(p: Program, args: readonly tf.Tensor[], captures: readonly tf.Tensor[] = []): tf.Tensor {
  const executable = engine.compile(p)
  const made = first(executable.run(args, captures))
  executable.dispose()
  return made
}

function expectClose(found: tf.Tensor, expected: tf.Tensor, tolerance = 1e-6): void {
  expect([found.shape, found.dtype]).toEqual([expected.shape, expected.dtype])
  const difference = tf.sub(found.toFloat(), expected.toFloat()).abs().max().dataSync()[0]
  expect(difference).toBeLessThanOrEqual(tolerance * Number(expected.toFloat().abs().max().dataSync()[0]))
}

function thrownBy(run: () => unknown): unknown {
  try {
    run()
  } catch (error) {
    return error
  }
  return undefined
}

onEngine((running) => {
  beforeEach(() => {
    engine = running()
  })

  describe('runs', () => {
    it.each(['float32', 'bfloat16'] as const)('a product in %s', (precision) => {
      const [x, w] = [tf.randomNormal([33, 70]), tf.randomNormal([65, 70])]
      const tolerance = precision === 'float32' ? 1e-6 : 0.02
      expectClose(run(product(33, 70, 65, { precision }), [x], [w]), plainProduct(x, w), tolerance)
    })

    it('attention', () => {
      const q = tf.randomNormal([2, 3, 5, 8])
      const [k, v] = [tf.randomNormal([2, 3, 7, 8]), tf.randomNormal([2, 3, 7, 8])]
      const mask = tf.randomNormal([5, 7])
      const step: Step = {
        kind: 'attention',
        q: view(0, [2, 3, 5, 8]),
        k: view(1, [2, 3, 7, 8]),
        v: view(2, [2, 3, 7, 8]),
        mask: { ...view(3, [2, 3, 5, 7]), strides: [0, 0, 7, 1] },
        out: view(4, [2, 3, 5, 8]),
        scale: 0.25,
        precision: 'float32',
      }
      const p = program([argument(0), argument(1), argument(2), argument(3), result([2, 3, 5, 8])], [step])
      const scores = tf.add(tf.mul(0.25, tf.matMul(q, k, false, true)), mask)
      expectClose(run(p, [q, k, v, mask], []), tf.matMul(tf.softmax(scores), v))
    })

    it('a row program', () => {
      const [x, bias] = [tf.randomNormal([4, 5, 6]), tf.randomNormal([6])]
      const step: Step = {
        kind: 'elementwise',
        shape: [4, 5, 6],
        inputs: [view(0, [4, 5, 6]), { ...view(1, [4, 5, 6]), strides: [0, 0, 1] }],
        outputs: [{ ...view(2, [4, 5, 6]), strides: [0, 6, 1] }],
        slots: 2,
        code: Int32Array.from(
          [row('load', 0, 0), row('load', 1, 1), row('multiply', 0, 0, 1), row('storeSum', 0, 0)].flat(),
        ),
      }
      const p = program([argument(), capture(), result([5, 6])], [step])
      expectClose(run(p, [x], [bias]), tf.sum(tf.mul(x, bias), 0))
    })

    it('a copy that turns and converts', () => {
      const x = tf.tensor2d([0, 1, 1, 0, 0, 1], [2, 3], 'bool')
      const from = { ...view(0, [3, 2], 'bool'), strides: [1, 3] }
      const p = program([argument(), result([3, 2])], [{ kind: 'copy', from, to: view(1, [3, 2]) }])
      expectClose(run(p, [x]), tf.transpose(x.toFloat()))
    })

    it('gather and segmentSum', () => {
      const table = tf.randomNormal([9, 4])
      const indices = tf.tensor1d([8, 0, 3, 3], 'int32')
      const steps: Step[] = [
        { kind: 'gather', table: view(0, [9, 4]), indices: view(1, [4], 'int32'), to: view(2, [4, 4]) },
        { kind: 'segmentSum', values: view(2, [4, 4]), segments: view(1, [4], 'int32'), to: view(3, [9, 4]) },
      ]
      const arena: BufferSource = { kind: 'arena', offset: 64, bytes: 64 }
      const p = program([argument(0), argument(1), arena, result([9, 4])], steps, 128)
      expectClose(run(p, [table, indices]), tf.unsortedSegmentSum(tf.gather(table, indices), indices, 9))
    })

    it('what TensorFlow has', () => {
      const x = tf.tensor2d([[1, 2, 3, 4]], [1, 4], 'int32')
      const step: Step = {
        kind: 'tensorflow',
        op: 'Cumsum',
        attributes: { exclusive: { bool: false }, reverse: { bool: true }, T: { type: 3 }, Tidx: { type: 3 } },
        inputs: [view(0, [1, 4], 'int32'), view(1, [], 'int32')],
        outputs: [view(2, [1, 4], 'int32')],
      }
      const axis: BufferSource = { kind: 'constant', values: Int32Array.of(1) }
      const p = program([argument(), axis, result([1, 4], 'int32')], [step])
      expect([...run(p, [x]).dataSync()]).toEqual([10, 9, 7, 4])
      const unknown: Program = { ...p, steps: [{ ...step, op: 'Nonsense' }] }
      expect(thrownBy(() => run(unknown, [x]))).toEqual(expect.objectContaining({ code: 'ERR_BACKEND' }))
      expect(() => run(unknown, [x])).toThrow(/Nonsense/)
    })

    it('scalars, and nothing at all', () => {
      const copy = (shape: readonly number[]) =>
        program([argument(), result(shape)], [{ kind: 'copy', from: view(0, shape), to: view(1, shape) }])
      expectClose(run(copy([]), [tf.scalar(3)]), tf.scalar(3))
      expect(run(copy([0, 3]), [tf.zeros([0, 3])]).shape).toEqual([0, 3])
      const executable = engine.compile(program([], []))
      expect(executable.run([], [])).toEqual([])
      executable.dispose()
    })

    it('with every set of kernels that this processor has, on any number of threads', () => {
      const [x, w] = [tf.randomNormal([40, 50]), tf.randomNormal([60, 50])]
      const executable = engine.compile(product(40, 50, 60))
      const { kernels, usable, threads } = engine
      for (const name of usable) {
        engine.setKernels(name)
        for (const count of [1, 5, threads]) {
          engine.setThreads(count)
          expectClose(first(executable.run([x], [w])), plainProduct(x, w))
        }
      }
      engine.setKernels(kernels)
      expect(() => {
        engine.setKernels('sse')
      }).toThrow(/sse.*portable/)
      expect(() => {
        engine.setThreads(0)
      }).toThrow(/1 to 1024/)
      executable.dispose()
    })
  })

  describe('refuses', () => {
    const copy = (from: Partial<View>, to: Partial<View> = {}, buffers = [argument(), result([4])]) =>
      program(buffers, [{ kind: 'copy', from: { ...view(0, [4]), ...from }, to: { ...view(1, [4]), ...to } }])
    const rows = (code: readonly number[][], changed: object = {}) =>
      program(
        [argument(), result([2, 2])],
        [
          {
            kind: 'elementwise',
            shape: [2, 2],
            inputs: [view(0, [2, 2])],
            outputs: [view(1, [2, 2])],
            slots: 1,
            code: Int32Array.from(code.flat()),
            ...changed,
          },
        ],
      )
    const arena: BufferSource = { kind: 'arena', offset: 0, bytes: 15 }

    /** Indices in the first 12 bytes, the table in the last 64 of 128, the result from `offset` on. */
    const gatherOver = (offset: number) => {
      const working: BufferSource = { kind: 'arena', offset: 0, bytes: 128 }
      const table = { ...view(0, [4, 4]), offset: 16 }
      const to = { ...view(0, [3, 1]), shape: [3, 4], strides: [4, 1], offset: offset / 4 }
      return program([working], [{ kind: 'gather', table, indices: view(0, [3], 'int32'), to }], 128)
    }

    const over = (shape: readonly number[], capture: number): BufferSource =>
      ({ ...result(shape), isKept: true, over: capture }) as BufferSource
    const gatherOverCapture = () => {
      const [table, indices] = [view(1, [4, 1], 'int32'), view(0, [4], 'int32')]
      const to = view(2, [4, 1], 'int32')
      const buffers = [capture(), argument(), { ...over([4, 1], 0), dtype: 'int32' } as BufferSource]
      return program(buffers, [{ kind: 'gather', table, indices, to }])
    }

    it.each<readonly [string, Program, RegExp]>([
      ['a view beyond its result', copy({}, { offset: 1 }), /step 0: .*needs 20 bytes.*has 16/],
      ['a stride that leads beyond', copy({}, { strides: [2] }), /needs 28 bytes/],
      ['a stride that leads before', copy({ strides: [-1] }), /starts before/],
      ['a shape beyond numbers', copy({ shape: [2 ** 47, 2 ** 47], strides: [0, 0] }), /too large/],
      ['a stride beyond numbers', copy({ strides: [2 ** 60] }), /stride.*whole number/],
      ['a stride that is no number', copy({ strides: [NaN] }), /stride.*whole number/],
      ['a view beyond the arena', copy({ buffer: 2 }, {}, [argument(), result([4]), arena]), /arena/],
      ['a buffer that is not there', copy({ buffer: 7 }), /buffer.*7/],
      ['another type than the buffer’s', copy({}, { dtype: 'int32' }), /another type/],
      ['two shapes in a copy', copy({ shape: [2], strides: [1] }), /two shapes/],
      ['seven dimensions', copy({ shape: Array(7).fill(1), strides: Array(7).fill(1) }), /rank/],
      ['to write an argument', copy({}, { buffer: 0 }), /written/],
      ['a result twice', copy({}, {}, [argument(), result([4]), result([4])]), /twice/],
      ['a result that is missing', copy({}, {}, [argument(), { ...result([4]), index: 1 } as BufferSource]), /missing/],
      ['an instruction that is not there', rows([[99, 0, 0, 0, 0]]), /not there/],
      ['an input that is not there', rows([row('load', 0, 1)]), /not there/],
      ['an output that is not there', rows([row('load', 0), row('store', 1, 0)]), /not there/],
      ['a slot that is not there', rows([row('load', 1)]), /not there/],
      ['a slot that nothing has written', rows([row('negative', 0, 0)]), /nothing has written/],
      ['a loop of another rank', rows([row('load', 0)], { inputs: [view(0, [4])] }), /rank/],
      ['matrices that do not fit', product(2, 3, 4, { a: view(0, [2, 4]) }), /do not fit/],
      ['a bias that does not fit', product(2, 3, 4, { bias: view(0, [3]) }), /bias/],
      ['a residual that does not fit', product(2, 3, 4, { residual: view(0, [2, 3]) }), /residual/],
      ['an activation that is not there', product(2, 3, 4, { activation: 'sine' }), /activation/],
      ['a gather over its own indices', gatherOver(8), /writes over what it reads/],
      ['a gather over its own table', gatherOver(60), /writes over what it reads/],
      ['a gather over a capture that it reads', gatherOverCapture(), /writes over what it reads/],
      ['a result over a capture that is not there', copy({}, {}, [argument(), over([4], 3)]), /capture.*missing/],
      ['bfloat16 in a tensor', product(2, 3, 4, { a: view(0, [2, 3], 'bfloat16') }), /bfloat16/],
    ])('%s', (_, wrong, message) => {
      const thrown = thrownBy(() => engine.compile(wrong))
      expect(thrown).toBeInstanceOf(BackendError)
      expect(String(thrown)).toMatch(message)
    })

    it('tensors that are not as the program expects them', () => {
      const executable = engine.compile(product(2, 3, 4))
      const w = tf.ones([4, 3])
      expect(() => executable.run([tf.ones([2, 2])], [w])).toThrow(/argument 0 has 16 bytes, not 24/)
      expect(() => executable.run([tf.ones([2, 3], 'int32')], [w])).toThrow(/argument 0 is int32, not float32/)
      expect(() => executable.run([tf.ones([2, 3])], [])).toThrow(/1 captures, not 1 and 0/)
      w.dispose()
      expect(thrownBy(() => executable.run([tf.ones([2, 3])], [w]))).toBeInstanceOf(InputError)
      executable.dispose()
    })

    it('a result that replaces a capture of another size', () => {
      const add: Step = { kind: 'copy', from: view(0, [4]), to: view(1, [4]) }
      const executable = engine.compile(program([capture(), over([4], 0)], [add]))
      expect(() => executable.run([], [tf.ones([5])])).toThrow(/another size or type than the capture/)
      executable.dispose()
    })

    it.each(['gather', 'segmentSum'] as const)('an index out of range in %s, naming it', async (kind) => {
      const indices = view(1, [3], 'int32')
      const step: Step =
        kind === 'gather'
          ? { kind, table: view(0, [3, 2]), indices, to: view(2, [3, 2]) }
          : { kind, values: view(0, [3, 2]), segments: indices, to: view(2, [3, 2]) }
      const executable = engine.compile(program([argument(0), argument(1), result([3, 2])], [step]))
      const table = tf.ones([3, 2])
      for (const wrong of [3, 2 ** 31 - 1, ...(kind === 'gather' ? [-1] : [])]) {
        const thrown = thrownBy(() => executable.run([table, tf.tensor1d([0, wrong, 1], 'int32')], []))
        expect(thrown).toBeInstanceOf(InputError)
        expect(String(thrown)).toContain(`[1] = ${wrong} is not in [0, 3)`)
      }
      const refused = later(executable, [table, tf.tensor1d([5, 0, 1], 'int32')], [])
      await expect(refused).rejects.toThrow(InputError)
      expectClose(first(executable.run([table, tf.tensor1d([2, 0, 1], 'int32')], [])), table)
      executable.dispose()
    })
  })

  it('leaves out what belongs to a negative segment', () => {
    const step: Step = {
      kind: 'segmentSum',
      values: view(0, [3, 2]),
      segments: view(1, [3], 'int32'),
      to: view(2, [3, 2]),
    }
    const executable = engine.compile(program([argument(0), argument(1), result([3, 2])], [step]))
    const found = first(executable.run([tf.ones([3, 2]), tf.tensor1d([2, -1, -(2 ** 31)], 'int32')], []))
    expect([...found.dataSync()]).toEqual([0, 0, 0, 0, 1, 1])
    executable.dispose()
  })

  describe('off JavaScript’s thread', () => {
    it('takes its tensors along, whatever becomes of them', async () => {
      const [x, w] = [tf.randomNormal([64, 256]), tf.randomNormal([512, 256])]
      const expected = plainProduct(x, w)
      const executable = engine.compile(product(64, 256, 512))
      const running = later(executable, [x], [w])
      tf.dispose([x, w])
      executable.dispose()
      expectClose(first(await running), expected)
      expect(() => executable.run([expected], [expected])).toThrow(/disposed of/)
    })

    it('runs two programs at once, and one between them', async () => {
      const w = tf.randomNormal([32, 64])
      const small = engine.compile(product(8, 64, 32))
      const large = engine.compile(product(500, 64, 32))
      const inputs = Array.from({ length: 20 }, (_, i) => tf.randomNormal<tf.Rank>([i % 2 ? 8 : 500, 64]))
      const runs = inputs.map((x, i) => later(i % 2 ? small : large, [x], [w]))
      expectClose(first(small.run([tf.ones([8, 64])], [w])), plainProduct(tf.ones([8, 64]), w))
      const results = await Promise.all(runs)
      results.forEach((made, i) => {
        expectClose(first(made), plainProduct(inputs[i] ?? tf.scalar(NaN), w))
      })
      small.dispose()
      large.dispose()
    })
  })

  describe('holds', () => {
    it('a variable’s packed copy as long as its value, once for all programs', () => {
      if (!engine.bfloat16) return
      const x = tf.randomNormal([16, 256])
      const variable = tf.variable(tf.randomNormal([128, 256]))
      const before = engine.memory().packed
      const programs = [16, 16].map((m) => engine.compile(product(m, 256, 128, { precision: 'bfloat16' })))
      for (const executable of programs) executable.run([x], [variable])
      expect(engine.memory().packed - before).toBeGreaterThanOrEqual(128 * 256 * 2)
      expect(engine.memory().packed - before).toBeLessThan(2 * 128 * 256 * 2)
      for (let i = 0; i < 5; i++) {
        variable.assign(tf.randomNormal([128, 256]))
        for (const executable of programs) {
          expectClose(first(executable.run([x], [variable])), plainProduct(x, variable), 0.02)
        }
      }
      expect(engine.memory().packed - before).toBeLessThan(2 * 128 * 256 * 2)
      for (const executable of programs) executable.dispose()
      expect(engine.memory().packed).toBe(before)
      variable.dispose()
    })

    it('as much to work in as the largest program needs', () => {
      const working = (bytes: number) =>
        engine.compile(
          program(
            [argument(), { kind: 'arena', offset: 0, bytes }],
            [{ kind: 'copy', from: view(0, [1]), to: view(1, [1]) }],
            bytes,
          ),
        )
      const [small, large] = [working(1e6), working(5e7)]
      const x = tf.scalar(1)
      large.run([x], [])
      small.run([x], [])
      expect(engine.memory().arena).toBe(5e7)
      large.dispose()
      small.run([x], [])
      expect(engine.memory().arena).toBe(1e6)
      small.dispose()
      expect(engine.memory().arena).toBe(0)
    })

    it('nothing of 10,000 runs', () => {
      const w = tf.randomNormal([64, 64])
      const executables = [1, 40, 5000].map((m) => engine.compile(product(m, 64, 64)))
      const runAll = (times: number) => {
        for (let i = 0; i < times; i++) {
          tf.tidy(() => {
            const m = i % 100 === 0 ? 2 : i % 2
            const executable = executables[m]
            executable?.run([tf.fill([[1, 40, 5000][m] ?? 1, 64], i)], [w])
          })
        }
      }
      runAll(1000)
      const [tensors, resident] = [tf.memory().numTensors, process.memoryUsage().rss]
      runAll(10_000)
      expect(tf.memory().numTensors).toBe(tensors)
      expect(process.memoryUsage().rss - resident).toBeLessThan(3e7)
      for (const executable of executables) executable.dispose()
    })
  })

  it('gives memory that TensorFlow takes as it is', () => {
    const buffer = engine.alignedBuffer(3 << 20)
    expect(buffer.byteLength).toBe(3 << 20)
    const values = new Float32Array(buffer)
    const x = tf.tensor1d(values)
    expect(tf.sum(x).dataSync()[0]).toBe(0)
    values[7] = 3 // the tensor is this memory, no copy of it
    expect(tf.sum(x).dataSync()[0]).toBe(3)
    expect(engine.alignedBuffer(0).byteLength).toBe(0)
    expect(() => engine.alignedBuffer(2 ** 52)).toThrow(/memory/)
  })

  it('runs in worker threads at once, and outlives them', async () => {
    const folder = await mkdtemp(join(root, 'node_modules', '.engine-'))
    try {
      await writeFile(join(folder, 'program.mjs'), WORKERS)
      const { stdout, stderr } = spawnSync(process.execPath, [join(folder, 'program.mjs')], { encoding: 'utf8' })
      expect({ stdout, stderr }).toEqual({ stdout: '[ 0, 0, 0, 1 ] true\n', stderr: '' })
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})

/** Four workers multiply, one of them is ended in the midst of it, and then the main thread does. It needs `npm run build`. */
const WORKERS = `
import { isMainThread, parentPort, Worker } from 'node:worker_threads'
import * as tf from '@tensorflow/tfjs'
import { useBackend } from '${dist('backend/backend-node.js')}'
import { loadEngine } from '${dist('jit/program/engine.js')}'

const program = ${JSON.stringify(product(300, 64, 32))}
async function multiply(times) {
  await useBackend('native', { quiet: true })
  const executable = loadEngine().compile(program)
  const w = tf.ones([32, 64])
  let right = true
  for (let i = 0; i < times; i++) {
    const x = tf.fill([300, 64], i)
    const [now] = executable.run([x], [w])
    const running = executable.start([x], [w])
    await running.ended
    const [later] = running.finish()
    right &&= now.dataSync().every((y) => y === 32 * i) && later.dataSync().every((y) => y === 32 * i)
    tf.dispose([x, now, later])
  }
  return right
}
if (isMainThread) {
  const codes = await Promise.all([50, 50, 50, Infinity].map((times) => new Promise((resolve) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: times })
    worker.on('message', () => { if (times === Infinity) void worker.terminate() })
    worker.on('exit', resolve)
  })))
  console.log(codes, await multiply(50))
} else {
  const { workerData } = await import('node:worker_threads')
  if (workerData === Infinity) setTimeout(() => parentPort.postMessage('now'), 0)
  if (!(await multiply(workerData))) process.exit(2)
}`
