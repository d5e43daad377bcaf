import * as tf from '@tensorflow/tfjs'
import { InputError } from '../../src/errors.js'
import { useBackend } from '../../src/backend/backend-node.js'
import { jit } from '../../src/jit/jit.js'
import type { Jitted } from '../../src/jit/jitted.js'
import { isNativeBackend } from '../../src/jit/record/native-backend.js'

beforeAll(async () => {
  await useBackend('native', { quiet: true })
})

const SIZE = 1000
let weight: tf.Variable<tf.Rank.R1>
let double: Jitted<[], tf.Tensor>

beforeEach(() => {
  weight = tf.tidy(() => tf.variable(tf.range(0, SIZE).add(1).as1D()))
  double = jit(() => {
    weight.assign(tf.mul(weight, 2))
    return tf.add(weight, 1)
  })
})

afterEach(() => {
  double.dispose()
  if (!weight.isDisposed) weight.dispose()
})

/** Tells one piece of memory from another. */
function placeOf({ dataId }: tf.Tensor): number {
  const backend = tf.backend()
  if (!isNativeBackend(backend)) throw new Error('not the native backend')
  return backend.tensorMap.get(dataId).id
}

const valuesOf = (tensor: tf.Tensor): number[] => [...tensor.dataSync().slice(0, 3)]

it('gives a variable its new values where the old ones lie', () => {
  const place = placeOf(weight)
  const { numTensors, numBytes } = tf.memory()
  for (let i = 1; i <= 3; i++) expect(valuesOf(double())).toEqual([1, 2, 3].map((n) => n * 2 ** i + 1))
  expect([valuesOf(weight), placeOf(weight)]).toEqual([[8, 16, 24], place])
  expect(tf.memory()).toMatchObject({ numTensors: numTensors + 3, numBytes: numBytes + 3 * 4 * SIZE })
})

describe('leaves alone', () => {
  const sharers: readonly [string, () => tf.Tensor][] = [
    ['a clone', () => tf.clone(weight)],
    ['a reshaped tensor', () => tf.reshape(weight, [10, 100])],
    ['a slice from the start', () => tf.slice(weight, 0, 64)],
    ['what TensorFlow takes for the same', () => tf.cast(weight, 'float32')],
    ['another variable', () => tf.tidy(() => tf.variable(tf.clone(weight)))],
  ]
  it.each(sharers)('%s', (_, share) => {
    const before = share()
    double().dispose()
    expect([valuesOf(before), valuesOf(weight)]).toEqual([
      [1, 2, 3],
      [2, 4, 6],
    ])
    before.dispose()
  })

  it('values that were read before', () => {
    const before = weight.dataSync()
    double().dispose()
    expect([...before.slice(0, 3)]).toEqual([1, 2, 3])
  })

  it('the variable itself as an argument', () => {
    const add = jit((x: tf.Tensor) => {
      weight.assign(tf.add(weight, 1))
      return tf.add(x, weight)
    })
    const eager = tf.tidy(() => {
      const same = tf.variable(tf.clone(weight))
      same.assign(tf.add(same, 1))
      return tf.add(same, same)
    })
    expect(valuesOf(add(weight))).toEqual(valuesOf(eager))
    expect(valuesOf(weight)).toEqual([2, 3, 4])
    add.dispose()
  })

  it('the values that a run under way reads', async () => {
    const slow = jit((x: tf.Tensor2D) => tf.mul(tf.sum(tf.matMul(x, x)), weight))
    const x = tf.zeros<tf.Rank.R2>([512, 512])
    const running = slow.async(x)
    double().dispose()
    expect([valuesOf(await running), valuesOf(weight)]).toEqual([
      [0, 0, 0],
      [2, 4, 6],
    ])
    slow.dispose()
  })
})

describe('keeps apart', () => {
  let other: tf.Variable<tf.Rank.R1>
  beforeEach(() => {
    other = tf.tidy(() => tf.variable(tf.fill([SIZE], 10).as1D()))
  })
  afterEach(() => {
    other.dispose()
  })

  const updates: readonly [string, () => void][] = [
    [
      'variables that are exchanged',
      () => {
        const old = tf.clone(weight)
        weight.assign(other)
        other.assign(old)
      },
    ],
    [
      'what reads the old values after the new ones',
      () => {
        const old = tf.clone(weight)
        weight.assign(tf.exp(other))
        other.assign(tf.sub(other, tf.reverse(old)))
      },
    ],
    [
      'sums of the old values',
      () => {
        weight.assign(tf.div(weight, tf.sum(weight)))
        other.assign(tf.softmax(other))
      },
    ],
    [
      'products of the old values',
      () => {
        const matrix = weight.as2D(20, 50)
        weight.assign(tf.add(matrix, tf.matMul(tf.matMul(matrix, matrix, false, true), matrix)).as1D())
      },
    ],
    [
      'what both become',
      () => {
        const sum = tf.add(weight, other)
        weight.assign(sum as tf.Tensor1D)
        other.assign(sum as tf.Tensor1D)
      },
    ],
  ]
  it.each(updates)('%s', (_, update) => {
    const run = (): void => {
      tf.tidy(update)
    }
    const scale = tf.variable(tf.scalar(0.001))
    const start = [weight, other].map((variable): tf.Tensor1D => tf.mul(variable as tf.Tensor1D, scale))
    weight.assign(start[0]!)
    other.assign(start[1]!)
    run()
    run()
    const expected = [weight, other].map((variable) => tf.clone(variable))
    weight.assign(start[0]!)
    other.assign(start[1]!)
    tf.dispose(start)
    const jitted = jit(() => {
      run()
      return tf.scalar(0)
    })
    jitted()
    jitted()
    for (const [i, variable] of [weight, other].entries()) {
      const far = tf.max(tf.abs(tf.sub(variable, expected[i]!))).dataSync()[0]!
      expect(far).toBeLessThan(1e-6 * tf.max(tf.abs(expected[i]!)).dataSync()[0]!)
    }
    jitted.dispose()
    scale.dispose()
  })
})

it('keeps apart a product of the old values that is added to them', () => {
  const square = tf.tidy(() => tf.variable(tf.randomNormal<tf.Rank.R3>([2, 300, 300], 0, 1, 'float32', 1)))
  const other = tf.randomNormal<tf.Rank.R3>([2, 300, 300], 0, 0.05, 'float32', 2)
  for (const update of [
    () => tf.add(tf.matMul(square, other), square),
    () => tf.add(tf.matMul(other, square), square),
  ]) {
    const expected = tf.tidy(update)
    const step = jit(() => {
      square.assign(update() as tf.Tensor3D)
      return tf.scalar(0)
    })
    step().dispose()
    expect(tf.max(tf.abs(tf.sub(square, expected))).dataSync()[0]).toBeLessThan(1e-4)
    step.dispose()
    expected.dispose()
  }
  tf.dispose([square, other])
})

it('changes nothing where a run fails', () => {
  const table = tf.range(0, 5)
  const pick = jit((at: tf.Tensor1D) => {
    weight.assign(tf.mul(weight, 2))
    return tf.gather(table, at)
  })
  pick(tf.tensor1d([4], 'int32'))
  expect(() => pick(tf.tensor1d([5], 'int32'))).toThrow(InputError)
  expect(valuesOf(weight)).toEqual([2, 4, 6])
  pick(tf.tensor1d([3], 'int32'))
  expect(valuesOf(weight)).toEqual([4, 8, 12])
  pick.dispose()
})

describe('asynchronously', () => {
  it('only if asked to: else in other memory', async () => {
    const place = placeOf(weight)
    await double.async()
    expect(placeOf(weight)).not.toBe(place)
    expect(valuesOf(weight)).toEqual([2, 4, 6])
  })

  describe('if asked to', () => {
    let step: Jitted<[], tf.Tensor>
    let slow: tf.Tensor2D
    beforeEach(() => {
      slow = tf.zeros([512, 512])
      step = jit(
        () => {
          weight.assign(tf.add(tf.mul(weight, 2), tf.sum(tf.matMul(slow, slow))))
          return tf.add(weight, 1)
        },
        { inPlace: true },
      )
    })
    afterEach(() => {
      step.dispose()
      slow.dispose()
    })

    it('where the old values lie', async () => {
      const place = placeOf(weight)
      await Promise.all([step.async(), step.async(), step.async()])
      expect([valuesOf(weight), placeOf(weight)]).toEqual([[8, 16, 24], place])
    })

    const readers: readonly [string, () => tf.Tensor][] = [
      ['the caller', () => tf.add(weight, 0)],
      ['a clone', () => tf.clone(weight)],
      ['another function', () => jit(() => tf.add(weight, 0))()],
      ['a function that is recorded then', () => jit((by: tf.Tensor) => tf.add(weight, by))(tf.scalar(0))],
    ]
    it.each(readers)('and %s that reads them meanwhile waits', async (_, read) => {
      const running = step.async()
      await Promise.resolve()
      expect([valuesOf(read()), valuesOf(weight)]).toEqual([
        [2, 4, 6],
        [2, 4, 6],
      ])
      expect(valuesOf(await running)).toEqual([3, 5, 7])
    })

    it('and another function is recorded meanwhile', async () => {
      const running = step.async()
      const other = jit(() => tf.mul(weight, 10))
      expect(valuesOf(await other.async())).toEqual([20, 40, 60])
      await running
      other.dispose()
    })

    it('one call after the other, whatever their arguments', async () => {
      const add = jit(
        (x: tf.Tensor) => {
          weight.assign(tf.add(tf.mul(weight, 2), tf.sum(x)))
          return tf.add(weight, tf.sum(tf.matMul(slow, slow)))
        },
        { inPlace: true },
      )
      const calls = [1, 2, 3].map((size) => {
        const x = tf.ones([size])
        return add.async(x).finally(() => {
          x.dispose()
        })
      })
      await Promise.resolve()
      const results = await Promise.all(calls)
      expect(results.map((result) => valuesOf(result)[0])).toEqual([3, 8, 19])
      expect(valuesOf(weight)).toEqual([19, 27, 35])
      add.dispose()
    })

    it('and what the caller assigns meanwhile comes after', async () => {
      const running = step.async()
      await Promise.resolve()
      weight.assign(tf.zeros([SIZE]))
      expect(valuesOf(await running)).toEqual([3, 5, 7])
      expect(valuesOf(weight)).toEqual([0, 0, 0])
    })

    it('and a variable that is disposed of meanwhile is gone', async () => {
      const { numTensors } = tf.memory()
      const running = step.async()
      await Promise.resolve()
      weight.dispose()
      const result = await running
      expect(valuesOf(result)).toEqual([3, 5, 7])
      result.dispose()
      expect(tf.memory().numTensors).toBe(numTensors - 1)
    })
  })
})
