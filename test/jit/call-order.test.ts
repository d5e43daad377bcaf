import * as tf from '@tensorflow/tfjs'
import { InputError, TraceError } from '../../src/errors.js'
import { useBackend } from '../../src/backend/backend-node.js'
import { jit } from '../../src/jit/jit.js'
import type { Jitted } from '../../src/jit/jitted.js'
import { dice } from '../dice.js'

beforeAll(async () => {
  await useBackend('native', { quiet: true })
})

const made: { dispose: () => void }[] = []
afterEach(() => {
  for (const each of made.splice(0)) each.dispose()
})

const SLOW = 300

function variable(value: number): tf.Variable {
  const scalar = tf.tidy(() => tf.variable(tf.scalar(value)))
  made.push(scalar)
  return scalar
}

function jitted<Args extends readonly unknown[], Result>(
  fn: (...args: Args) => Result,
  options: { readonly inPlace?: boolean } = {},
): Jitted<Args, Result> {
  const made_ = jit(fn, options)
  made.push(made_)
  return made_
}

/** A zero that takes a while. */
const slowZero = (): tf.Tensor => tf.sum(tf.matMul(tf.zeros([SLOW, SLOW]), tf.zeros([SLOW, SLOW])))

const valueOf = (tensor: tf.Tensor): number | undefined => tensor.dataSync()[0]

describe.each([false, true])('calls made at once have their effects in order, in place: %s', (inPlace) => {
  let v: tf.Variable
  let double: Jitted<[], tf.Tensor>
  let addOne: Jitted<[], tf.Tensor>
  beforeEach(() => {
    v = variable(1)
    const change = (next: () => tf.Tensor): (() => tf.Tensor) => {
      return () => {
        v.assign(tf.add(next(), slowZero()))
        return tf.clone(v)
      }
    }
    double = jitted(
      change(() => tf.mul(v, 2)),
      { inPlace },
    )
    addOne = jitted(
      change(() => tf.add(v, 1)),
      { inPlace },
    )
  })

  it('of two functions', async () => {
    const results = await Promise.all([double.async(), addOne.async(), double.async(), addOne.async()])
    expect(results.map(valueOf)).toEqual([2, 3, 6, 7])
    expect(valueOf(v)).toBe(7)
  })

  it('and of the caller', async () => {
    const first = double.async()
    v.assign(tf.add(v, 100))
    const second = double.async()
    v.assign(tf.scalar(5))
    const third = addOne.async()
    expect(valueOf(v)).toBe(6)
    expect((await Promise.all([first, second, third])).map(valueOf)).toEqual([2, 204, 6])
    expect(valueOf(v)).toBe(6)
  })

  it('and of calls that are not asynchronous', async () => {
    const first = double.async()
    expect(valueOf(addOne())).toBe(3)
    const second = double.async()
    expect(valueOf(addOne())).toBe(7)
    expect((await Promise.all([first, second])).map(valueOf)).toEqual([2, 6])
  })

  it('and what only reads has the values of its place', async () => {
    const read = jitted((x: tf.Tensor) => tf.add(tf.mul(v, 10), x))
    const x = tf.scalar(0.5)
    const all = [read.async(x), double.async(), read.async(x), addOne.async(), read.async(x)]
    x.dispose()
    expect((await Promise.all(all)).map(valueOf)).toEqual([10.5, 2, 20.5, 3, 30.5])
  })

  it('and disposal', async () => {
    const [first, second] = [double.async(), addOne.async()]
    v.dispose()
    expect((await Promise.all([first, second])).map(valueOf)).toEqual([2, 3])
    await expect(addOne.async()).rejects.toThrow(TraceError)
    expect(v.isDisposed).toBe(true)
  })

  it('and inside a scope of the caller, results are not lost', async () => {
    const running = double.async()
    const seen = tf.tidy(() => tf.mul(v, 1))
    expect(valueOf(seen)).toBe(2)
    expect(valueOf(await running)).toBe(2)
  })

  it('with steps of an optimizer', async () => {
    const optimizer = tf.train.sgd(0.5)
    const step = jitted(() => optimizer.minimize(() => tf.square(v).asScalar(), true, [v]), { inPlace }) // v ← v − v = 0
    const running = [double.async(), step.async(), addOne.async()]
    optimizer.minimize(() => tf.mul(v, 2).asScalar(), false, [v]) // v ← v − 1
    await Promise.all(running)
    expect(valueOf(v)).toBe(0)
    optimizer.dispose()
  })

  it('whatever shares some variables and not others', async () => {
    const [a, b, c] = [variable(1), variable(1), variable(1)]
    const steps = [
      jitted(
        () => {
          a.assign(tf.add(tf.add(a, b), slowZero()))
        },
        { inPlace },
      ),
      jitted(
        () => {
          b.assign(tf.mul(c, 2))
        },
        { inPlace },
      ),
      jitted(
        () => {
          c.assign(tf.add(a, 1))
        },
        { inPlace },
      ),
    ]
    const expected = { a: 1, b: 1, c: 1 }
    const plain = [
      () => (expected.a += expected.b),
      () => (expected.b = expected.c * 2),
      () => (expected.c = expected.a + 1),
    ]
    const running: Promise<unknown>[] = []
    const roll = dice(7)
    for (let i = 0; i < 30; i++) {
      const which = roll(3)
      plain[which]?.()
      if (i % 7 === 3) steps[which]?.()
      else running.push(steps[which]?.async() ?? Promise.resolve())
    }
    await Promise.all(running)
    expect([a, b, c].map(valueOf)).toEqual(Object.values(expected).map(Math.fround))
  })
})

it('calls that share no variable do not wait for each other', async () => {
  const [a, b] = [variable(1), variable(1)]
  const slow = jitted(() => {
    a.assign(tf.add(a, slowZero()))
  })
  const read = jitted(() => tf.mul(b, 3))
  slow()
  read()
  const running = slow.async()
  expect(valueOf(tf.add(b, 1))).toBe(2)
  expect(Object.getOwnPropertyDescriptor(b, 'dataId')).toHaveProperty('value')
  expect(Object.getOwnPropertyDescriptor(a, 'dataId')).not.toHaveProperty('value') // the one that is waited for
  expect(valueOf(await read.async())).toBe(3)
  await running
  expect(Object.getOwnPropertyDescriptor(a, 'dataId')).toHaveProperty('value')
})

it('a call that fails leaves variables as they were, and the others alone', async () => {
  const v = variable(1)
  const table = tf.range(0, 5)
  const pick = jitted((at: tf.Tensor1D) => {
    v.assign(tf.add(v, tf.sum(tf.gather(table, at))))
    return tf.clone(v)
  })
  const at = (index: number): tf.Tensor1D => tf.tensor1d([index], 'int32')
  const calls = [at(1), at(9), at(2), at(-1), at(4)].map((index) => pick.async(index))
  const settled = await Promise.allSettled(calls)
  expect(settled.map((one) => (one.status === 'fulfilled' ? valueOf(one.value) : (one.reason as Error).name))).toEqual([
    2,
    'InputError',
    4,
    'InputError',
    8,
  ])
  expect(valueOf(v)).toBe(8)
  expect(() => pick(at(5))).toThrow(InputError)
  expect(valueOf(v)).toBe(8)
})

it('keeps 2,000 calls apart, and holds on to none', async () => {
  const v = variable(0)
  const add = jitted((x: tf.Tensor) => {
    v.assign(tf.add(v, x))
  })
  const x = tf.scalar(1)
  add(x)
  const { numTensors } = tf.memory()
  const calls = Array.from({ length: 2000 }, () => add.async(x))
  expect(valueOf(v)).toBe(2001)
  await Promise.all(calls)
  expect(tf.memory().numTensors).toBe(numTensors)
  x.dispose()
})

describe('a variable that is an argument', () => {
  it('is assigned, as without `jit`', async () => {
    const [v, w] = [variable(1), variable(10)]
    const add = (to: tf.Variable, x: tf.Tensor): tf.Tensor => {
      to.assign(tf.add(to, x))
      return tf.mul(to, 2)
    }
    const fast = jitted(add)
    const x = tf.scalar(3)
    expect([fast(v, x), fast(w, x), fast(v, w)].map(valueOf)).toEqual([8, 26, 34])
    expect([v, w].map(valueOf)).toEqual([17, 13])
    const results = await Promise.all([fast.async(v, w), fast.async(w, v), fast.async(v, x)])
    expect(results.map(valueOf)).toEqual([60, 86, 66])
    expect([v, w].map(valueOf)).toEqual([33, 43])
  })

  it('is the same one where it is given twice, or used from outside', () => {
    const v = variable(1)
    const twice = jitted((a: tf.Variable, b: tf.Tensor) => {
      a.assign(tf.add(a, 1))
      return tf.add(a, b)
    })
    expect(valueOf(twice(v, v))).toBe(4)
    const outside = jitted((a: tf.Tensor) => {
      v.assign(tf.mul(v, 10))
      return tf.add(a, v)
    })
    expect([valueOf(outside(tf.scalar(1))), valueOf(outside(v))]).toEqual([21, 400])
  })

  it('has its gradient and its name', () => {
    const v = variable(3)
    const slope = jitted((x: tf.Variable) => tf.variableGrads(() => tf.square(x).asScalar(), [x]).grads[x.name])
    expect([slope(v)?.dataSync()[0], slope(variable(5))?.dataSync()[0]]).toEqual([6, 10])
  })

  it('shares a recording with others where only its values are used', () => {
    const square = jitted((x: tf.Tensor) => tf.square(x))
    expect([square(variable(2)), square(variable(3)), square(tf.scalar(4))].map(valueOf)).toEqual([4, 9, 16])
    expect(square.traces).toBe(1)
  })
})
