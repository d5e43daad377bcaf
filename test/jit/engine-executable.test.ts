import * as tf from '@tensorflow/tfjs'

import { InputError, type TraceError } from '../../src/errors.js'
import { isEngineBackend } from '../../src/backend/engine/engine-backend.js'
import { jit } from '../../src/jit/jit.js'
import { onOwnEngine } from '../backends.js'
import { expectAsEager, type Run } from './expect-as-eager.js'

const drawn = (...shape: number[]): tf.Tensor => tf.randomNormal(shape, 0, 1, 'float32', shape.length)

/** Functions with operations that the engine does not know, and what they take. */
const cut: Readonly<Record<string, readonly [run: Run, inputs: () => tf.Tensor[]]>> = {
  'between products': [(x, w) => tf.matMul(tf.cumsum(tf.matMul(x, w), 1), w), () => [drawn(3, 5), drawn(5, 5)]],
  'at the start': [(x) => tf.relu(tf.sin(x)), () => [drawn(3, 5)]],
  'at the end': [(x) => tf.argMax(tf.exp(x), 1), () => [drawn(3, 5)]],
  'of a view': [(x) => tf.cumsum(tf.transpose(tf.slice(x, [1, 1], [2, 3])), 0), () => [drawn(3, 5)]],
  'of a constant': [(x) => tf.add(x, tf.sin(tf.tensor1d([1, 2, 3]))), () => [drawn(2, 3)]],
  'of int32': [(x) => tf.mul(tf.add(x, tf.scalar(2, 'int32')), x), () => [tf.tensor1d([1, 2 ** 24 + 1], 'int32')]],
  'of bool': [(x) => tf.cast(tf.sum(tf.cast(tf.greater(x, 0), 'int32')), 'float32'), () => [drawn(3, 5)]],
  'with several results': [
    (x) => {
      const { values, indices } = tf.topk(tf.tanh(x), 2)
      return [tf.neg(values), indices, tf.tanh(x)]
    },
    () => [drawn(3, 5)],
  ],
  'of a list': [(x, y) => tf.relu(tf.einsum('ij,jk->ik', x, tf.exp(y))), () => [drawn(3, 4), drawn(4, 2)]],
  'twice of one value': [(x) => tf.add(tf.sin(tf.exp(x)), tf.cos(tf.exp(x))), () => [drawn(3, 5)]],
  'with a gradient': [(x) => tf.grads((y) => tf.sum(tf.sin(tf.square(y))))([x]), () => [drawn(3, 5)]],
  'of nothing': [(x) => tf.sin(x), () => [tf.zeros([0, 3])]],
}

onOwnEngine((engine) => {
  it.each(Object.entries(cut))('runs what the engine does not know: %s', (_, [run, inputs]) => {
    expectAsEager(engine(), run, inputs())
  })

  const tensors = (): number => {
    const backend: unknown = tf.backend()
    return isEngineBackend(backend) ? backend.core.memory().tensors : NaN
  }

  it('leaves nothing in the engine’s memory, whether it succeeds or fails', () => {
    const x = tf.tensor2d([1, 2, 3, 4], [2, 2])
    const taken = jit((i: tf.Tensor) => tf.sin(tf.gather(tf.sin(tf.exp(x)), i)))
    const [right, wrong] = [tf.tensor1d([1], 'int32'), tf.tensor1d([2], 'int32')]
    tf.dispose(taken(right))
    const before = tensors()
    for (let i = 0; i < 3; i++) {
      tf.dispose(taken(right))
      expect(() => taken(wrong)).toThrow(InputError)
    }
    expect(tensors()).toBe(before)
    taken.dispose()
  })

  it('multiplies bfloat16 on both sides of a cut', () => {
    const [x, w] = [drawn(16, 32), drawn(32, 32)]
    const run = (x: tf.Tensor): tf.Tensor => tf.matMul(tf.sin(tf.matMul(x, w)), tf.relu(tf.matMul(w, w)))
    const fast = jit(run, { precision: 'bfloat16' })
    const [found, plain] = [fast(x), run(x)]
    const cosine = tf.div(tf.sum(tf.mul(found, plain)), tf.mul(tf.norm(found), tf.norm(plain)))
    expect(cosine.dataSync()[0]).toBeGreaterThan(0.999)
    fast.dispose()
  })

  it('updates variables in place, and not what shares their memory', () => {
    const weight = tf.variable(tf.ones([64, 64]))
    const step = jit(() => {
      weight.assign(tf.add(weight, 1))
    })
    step()
    const address = () => {
      const backend: unknown = tf.backend()
      return isEngineBackend(backend) ? backend.addressOf(weight.dataId) : NaN
    }
    const before = address()
    step()
    expect(address()).toBe(before)
    const copy = tf.clone(weight)
    step()
    expect([copy.dataSync()[0], weight.dataSync()[0]]).toEqual([3, 4])
    step.dispose()
    weight.dispose()
  })

  it('updates a variable after a cut that its old value is before', () => {
    const [weight, given] = [tf.variable(tf.ones([3])), tf.tensor1d([1, 2, 3])]
    const step = jit((x: tf.Tensor) => {
      const sine = tf.sin(tf.mul(weight as tf.Tensor, x))
      weight.assign(tf.exp(sine))
      return sine
    })
    const [first, second] = [step(given), step(given)]
    expect([...first.dataSync()].map((v) => v.toFixed(4))).toEqual([1, 2, 3].map((v) => Math.sin(v).toFixed(4)))
    const again = [1, 2, 3].map((v) => Math.sin(Math.exp(Math.sin(v)) * v).toFixed(4))
    expect([...second.dataSync()].map((v) => v.toFixed(4))).toEqual(again)
    step.dispose()
    weight.dispose()
  })

  it('sees captured data under each of their shapes', () => {
    const flat = tf.tensor1d([1, 2, 3, 4])
    const square = tf.reshape(flat, [2, 2])
    const fast = jit((x: tf.Tensor) => tf.add(tf.matMul(square, x as tf.Tensor2D), tf.sum(flat)))
    expect([...fast(tf.eye(2)).dataSync()]).toEqual([11, 12, 13, 14])
    fast.dispose()
  })

  it.each([
    ['reads values', (x: tf.Tensor) => tf.scalar(x.dataSync()[0]!), /values of a tensor are read/],
    ['draws random numbers', (x: tf.Tensor) => tf.add(x, tf.randomNormal([1])), /random number/],
    ['draws from logits', (x: tf.Tensor) => tf.multinomial(x as tf.Tensor1D, 2), /random number/],
    ['makes a shape of values', (x: tf.Tensor) => tf.unique(x).values, /depends on the values/],
    ['uses texts', () => tf.tensor1d(['a']), /numbers only/],
    ['has shapes that do not fit', (x: tf.Tensor) => tf.add(x, tf.zeros([7])), /could not be broadcast/],
  ])('refuses a function that %s, and names the line', (_, run, message) => {
    const fast = jit(run)
    const call = () => fast(tf.tensor1d([0.5, 0.5]))
    expect(call).toThrow(message)
    expect(call).toThrow(/engine-executable\.test/)
    try {
      call()
    } catch (error) {
      expect((error as TraceError).code).toBe('ERR_TRACE')
    }
    expect(tf.add(1, 1).dataSync()[0]).toBe(2)
  })
})
