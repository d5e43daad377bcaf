import { isDeepStrictEqual } from 'node:util'
import * as tf from '@tensorflow/tfjs'
import fc from 'fast-check'
import { takeApart, takeResultApart } from '../../src/jit/tensor-tree.js'

const plain = fc.oneof(fc.integer(), fc.double(), fc.string(), fc.boolean(), fc.constantFrom(null, undefined, -0, 0))
const shape = fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 3 })
const leaf = fc.oneof(plain, fc.tuple(shape, fc.constantFrom('float32', 'int32', 'bool')).map(tensorOf))
const { tree } = fc.letrec((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small' },
    leaf,
    fc.array(tie('tree'), { maxLength: 3 }),
    fc.dictionary(fc.string(), tie('tree'), { maxKeys: 3, noNullPrototype: true }),
  ),
}))

function tensorOf([shape, dtype]: [number[], 'float32' | 'int32' | 'bool']): tf.Tensor {
  return tf.zeros(shape, dtype)
}

/** The same tree with a description in the place of each tensor. */
function described(value: unknown): unknown {
  if (value instanceof tf.Tensor) return { tensor: value.dtype, shape: value.shape as unknown }
  if (Array.isArray(value)) return value.map(described)
  if (typeof value !== 'object' || value === null) return value
  return { entries: Object.entries(value).map(([key, item]) => [key, described(item)]) }
}

it('puts other tensors in the places of the arguments’', () => {
  fc.assert(
    fc.property(fc.array(tree, { maxLength: 3 }), (args) => {
      const { tensors, with: rebuild } = takeApart(args)
      expect(rebuild(tensors)).toStrictEqual(args)
      const others = tensors.map(({ shape, dtype }) => tf.zeros(shape, dtype))
      expect(takeApart(rebuild(others)).tensors).toEqual(others)
    }),
    { numRuns: 60 },
  )
})

it('has one key for what one recording serves, and another for everything else', () => {
  fc.assert(
    fc.property(fc.array(tree, { maxLength: 2 }), fc.array(tree, { maxLength: 2 }), (a, b) => {
      const same = isDeepStrictEqual(described(a), described(b))
      expect(takeApart(a).key === takeApart(b).key).toBe(same)
    }),
    { numRuns: 200 },
  )
})

it('keeps the structure of results, each tensor once', () => {
  const [a, b] = [tf.scalar(1), tf.scalar(2)]
  const refuse = (found: string): never => {
    throw new Error(found)
  }
  const { tensors, with: rebuild } = takeResultApart({ list: [a, undefined, b], again: a, none: null }, refuse)
  expect(tensors).toEqual([a, b])
  const [c, d] = [tf.scalar(3), tf.scalar(4)]
  expect(rebuild([c, d])).toStrictEqual({ list: [c, undefined, d], again: c, none: null })
  expect(() => takeResultApart([a, 3], refuse)).toThrow('number')
})
