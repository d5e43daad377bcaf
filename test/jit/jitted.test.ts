import * as tf from '@tensorflow/tfjs'
import { InputError, TraceError } from '../../src/errors.js'
import { useBackend } from '../../src/backend/backend-node.js'
import { NO_VARIABLES } from '../../src/jit/graph.js'
import { jitted, type Jitted } from '../../src/jit/jitted.js'
import type { GraphEngine } from '../../src/jit/record/recorded-function.js'
import { plainEngine } from './graph-runner.js'

beforeAll(async () => {
  await useBackend('native', { quiet: true })
})

/** Counts what it is asked for; async runs wait for `open`. */
function watchedEngine(): { engine: GraphEngine; compiled: number; disposed: number; open: () => void } {
  const waiting: (() => void)[] = []
  const watched = {
    compiled: 0,
    disposed: 0,
    open: () => {
      for (const go of waiting.splice(0)) go()
    },
    engine: {
      host: plainEngine.host,
      compile: (graph) => {
        const executable = plainEngine.compile(graph, NO_VARIABLES)
        watched.compiled++
        return {
          run: (...of) => executable.run(...of),
          start: (args, captures) => ({
            ended: new Promise<void>((go) => waiting.push(go)),
            finish: () => executable.run(args, captures),
          }),
          dispose: () => {
            watched.disposed++
          },
        }
      },
    } satisfies GraphEngine,
  }
  return watched
}

const plainJit = <Args extends readonly unknown[], Result>(
  fn: (...args: Args) => Result,
  engine = plainEngine,
  maxTraces = 16,
): Jitted<Args, Result> => jitted(fn, () => engine, { maxTraces, inPlace: false })

const valuesOf = (tensor: tf.Tensor): number[] => [...tensor.dataSync()]

describe('records once', () => {
  it('for each structure, shape, type and plain value', () => {
    const watched = watchedEngine()
    const fn = plainJit(
      ({ x, more }: { x: tf.Tensor; more?: readonly tf.Tensor[] }, by: number | string | undefined) =>
        tf.mul(more?.length ? tf.add(x, tf.addN([...more])) : x, Number(by ?? 1)),
      watched.engine,
    )
    const x = tf.ones([2, 3])
    const calls: (readonly [{ x: tf.Tensor; more?: readonly tf.Tensor[] }, number | string | undefined, number])[] = [
      [{ x }, 2, 2],
      [{ x: tf.ones([2, 3]) }, 2, 2],
      [{ x }, '2', 2],
      [{ x }, 3, 3],
      [{ x }, undefined, 1],
      [{ x, more: [] }, 2, 2],
      [{ x, more: [x] }, 2, 4],
      [{ x, more: [x, x] }, 2, 6],
      [{ x: tf.ones([3, 2]) }, 2, 2],
      [{ x: tf.ones([2, 3], 'int32') }, 2, 2],
    ]
    for (const round of [1, 2]) {
      for (const [given, by, expected] of calls) expect(valuesOf(fn(given, by))).toEqual(Array(6).fill(expected))
      expect([fn.traces, watched.compiled, round]).toEqual([9, 9, round])
    }
    fn.dispose()
    expect([fn.traces, watched.disposed]).toEqual([0, 9])
    expect(valuesOf(fn({ x }, 2))).toEqual(Array(6).fill(2)) // and anew
  })

  it('and keeps the latest', () => {
    const watched = watchedEngine()
    const fn = plainJit((x: tf.Tensor) => tf.square(x), watched.engine, 2)
    const [a, b, c] = [1, 2, 3].map((n) => tf.ones([n]))
    for (const x of [a, b, a, c, a, b]) fn(x!)
    expect([fn.traces, watched.compiled, watched.disposed]).toEqual([2, 4, 2])
  })
})

it('returns what the function returns: structure, identities, arguments, captures', () => {
  const captured = tf.scalar(7)
  const variable = tf.variable(tf.scalar(5))
  const fn = plainJit((x: tf.Tensor) => {
    const y = tf.square(x)
    return { y, again: [y, undefined, null], x, captured, variable, one: tf.scalar(1) }
  })
  const x = tf.scalar(3)
  const out = fn(x)
  expect(out.again[0]).toBe(out.y)
  expect(out.again.slice(1)).toEqual([undefined, null])
  expect([out.y, out.x, out.captured, out.variable, out.one].map((tensor) => valuesOf(tensor)[0])).toEqual([
    9, 3, 7, 5, 1,
  ])
  tf.dispose([out.y, out.x, out.captured, out.one])
  expect(valuesOf(x)).toEqual([3])
  variable.dispose()
})

it('nests, in recordings and in gradients', () => {
  const cube = plainJit((x: tf.Tensor) => tf.mul(tf.square(x), x))
  const slope = plainJit((x: tf.Tensor) => tf.grad((x) => cube(x))(x))
  expect(valuesOf(slope(tf.scalar(2)))).toEqual([12])
  expect(valuesOf(tf.grad((x) => cube(x))(tf.scalar(3)))).toEqual([27])
  expect(cube.traces).toBe(0)
})

describe('variables', () => {
  it('are read anew, and assigned', () => {
    const total = tf.variable(tf.scalar(1))
    const add = plainJit((x: tf.Tensor) => {
      total.assign(tf.add(total, x))
      return tf.mul(total, 10)
    })
    const x = tf.scalar(2)
    expect([add(x), add(x)].map((y) => valuesOf(y)[0])).toEqual([30, 50])
    total.assign(tf.scalar(100))
    expect(valuesOf(add(x))).toEqual([1020])
    expect(valuesOf(total)).toEqual([102])
    expect(add.traces).toBe(1)
    total.dispose()
  })

  it('that the function makes start from what it says, once', () => {
    let count: tf.Variable | undefined
    const next = plainJit((x: tf.Tensor) => {
      count ??= tf.variable(tf.mul(x, 10))
      count.assign(tf.add(count, 1))
      return tf.clone(count)
    })
    const x = tf.scalar(2)
    expect([next(x), next(x), next(x)].map((y) => valuesOf(y)[0])).toEqual([21, 22, 23])
    count?.dispose()
  })

  it('may not be made at each call', () => {
    const { numTensors } = tf.memory()
    const fn = plainJit(() => tf.square(tf.variable(tf.scalar(1))))
    expect(() => fn()).toThrow(/makes a variable at each call/)
    expect(tf.memory().numTensors).toBe(numTensors + 1) // the first, which now has its value
    tf.disposeVariables()
  })

  it.each(['variable', 'tensor'] as const)('and tensors that are used must live: a %s', (kind) => {
    const used = kind === 'variable' ? tf.variable(tf.ones([2, 3]), true, 'used weight') : tf.ones([2, 3])
    const fn = plainJit(() => tf.square(used))
    fn()
    used.dispose()
    expect(() => fn()).toThrow(TraceError)
    expect(() => fn()).toThrow(
      kind === 'variable' ? /disposed.*used weight/ : /disposed.*float32 \[2, 3\].*jitted\.test/,
    )
  })
})

describe('refuses', () => {
  it.each([
    ['a number', () => 3],
    ['a number inside', (x: tf.Tensor) => ({ x, more: [1] })],
    ['text', () => 'x'],
    ['a promise', async (x: tf.Tensor) => Promise.resolve(tf.square(x))],
    ['another object', () => new Map()],
  ] as const)('functions that return %s', (_what, fn) => {
    const { numTensors } = tf.memory()
    const x = tf.scalar(1)
    expect(() => plainJit(fn as (x: tf.Tensor) => unknown)(x)).toThrow(/functions that return tensors/)
    x.dispose()
    expect(tf.memory().numTensors).toBe(numTensors)
  })

  it.each([
    [
      'typed arrays',
      () => ({ data: new Float32Array(2), shape: [2] }),
      /typed array.*arguments\[0\]\.data.*tf\.tensor/,
    ],
    ['functions', () => [() => 1], /function.*arguments\[0\]\[0\]/],
    ['disposed tensors', () => tf.tidy(() => ({ kept: tf.scalar(1), gone: disposed() })).gone, /disposed/],
    ['text tensors', () => tf.tensor1d(['a']), /string/],
  ])('%s as arguments', (_what, make, message) => {
    const fn = plainJit((...given: readonly unknown[]) => tf.scalar(given.length))
    expect(() => fn(make())).toThrow(InputError)
    expect(() => fn(make())).toThrow(message)
  })
})

function disposed(): tf.Tensor {
  const tensor = tf.scalar(1)
  tensor.dispose()
  return tensor
}

describe('runs off the thread', () => {
  it('at once where nothing is assigned', async () => {
    const watched = watchedEngine()
    const fn = plainJit((x: tf.Tensor) => tf.square(x), watched.engine)
    const all = Promise.all([1, 2, 3].map((n) => fn.async(tf.scalar(n))))
    watched.open()
    expect((await all).map((y) => valuesOf(y)[0])).toEqual([1, 4, 9])
  })

  it('in turn where variables are assigned, with the tensors as they were', async () => {
    const total = tf.variable(tf.scalar(0))
    const add = plainJit((x: tf.Tensor) => {
      total.assign(tf.add(tf.mul(total, 10), x))
    })
    const xs = [1, 2, 3].map((n) => tf.scalar(n))
    const all = xs.map((x) => add.async(x))
    add(tf.scalar(4))
    expect(valuesOf(total)).toEqual([1234])
    tf.dispose(xs)
    await Promise.all(all)
    expect(valuesOf(total)).toEqual([1234])
    add(tf.scalar(5))
    expect(valuesOf(total)).toEqual([12345])
    total.dispose()
  })

  it('and is disposed of when it has run', async () => {
    const watched = watchedEngine()
    const fn = plainJit((x: tf.Tensor) => tf.square(x), watched.engine)
    const running = fn.async(tf.scalar(3))
    fn.dispose()
    expect(watched.disposed).toBe(0)
    watched.open()
    expect(valuesOf(await running)).toEqual([9])
    expect(watched.disposed).toBe(1)
  })

  it('and its errors come through the promise', async () => {
    const fn = plainJit((x: tf.Tensor) => tf.scalar(Number(x.dataSync()[0])))
    await expect(fn.async(tf.scalar(1))).rejects.toThrow(TraceError)
  })
})

it('is the function itself where nothing runs recordings', async () => {
  const fn = jitted(
    (x: tf.Tensor) => x.dataSync().length,
    () => undefined,
    { maxTraces: 1, inPlace: false },
  )
  expect([fn(tf.ones([2, 3])), await fn.async(tf.ones([2, 2])), fn.traces]).toEqual([6, 4, 0])
})

describe('without an engine', () => {
  const eagerly = <Args extends readonly unknown[], Result>(fn: (...args: Args) => Result): Jitted<Args, Result> =>
    jitted(fn, () => undefined, { maxTraces: 1, inPlace: false })

  it('leaves nothing but its result and what is kept, as a recording does', async () => {
    const state = tf.variable(tf.scalar(1))
    const fn = eagerly((x: tf.Tensor) => {
      state.assign(tf.add(state, 1))
      return { sums: [tf.sum(tf.square(tf.square(x)))], count: 2 }
    })
    const x = tf.ones([3])
    const before = tf.memory().numTensors
    const results = [fn(x), await fn.async(x)]
    expect(results.map(({ sums: [sum], count }) => [sum && valuesOf(sum), count])).toEqual([
      [[3], 2],
      [[3], 2],
    ])
    expect(tf.memory().numTensors).toBe(before + 2)
    expect(valuesOf(state)).toEqual([3])
    tf.dispose([x, state, ...results.flatMap(({ sums }) => sums)])
  })

  it('leaves a gradient what it needs', () => {
    const fn = eagerly((x: tf.Tensor) => tf.sum(tf.exp(tf.square(x))))
    const gradient = tf.grad((x) => fn(x))(tf.tensor1d([0, 1]))
    expect(valuesOf(gradient)[1]).toBeCloseTo(2 * Math.E, 4)
    gradient.dispose()
  })
})
