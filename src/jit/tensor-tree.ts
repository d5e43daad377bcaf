import * as tf from '@tensorflow/tfjs'

import { InputError, type SiglipError } from '../errors.js'

/**
 * A copy of something made of arrays and plain objects, with other leaves.
 *
 * @param leaf what stands for a leaf; `path` says where it is, e.g. `arguments[0].pixelValues`
 */
export function mapLeaves(tree: unknown, path: string, leaf: (value: unknown, path: string) => unknown): unknown {
  if (Array.isArray(tree)) return tree.map((item: unknown, i) => mapLeaves(item, `${path}[${i}]`, leaf))
  if (!isPlainObject(tree)) return leaf(tree, path)
  const entries = Object.entries(tree).map(([key, value]) => [key, mapLeaves(value, `${path}.${key}`, leaf)] as const)
  return Object.fromEntries(entries)
}

/** Objects that a literal makes, out of any realm; tensors, models and typed arrays are none. */
function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

const isTensor = (value: unknown): value is tf.Tensor => value instanceof tf.Tensor

const isVariable = (tensor: tf.Tensor): tensor is tf.Variable => tensor instanceof tf.Variable

/** The arguments of a call, taken apart. */
export interface TakenApart {
  /** What the call computes with. */
  readonly tensors: readonly tf.Tensor[]
  /** The variables among the arguments. */
  readonly variables: readonly tf.Variable[]
  /** Equal for calls that one recording serves: of equal structure, shapes, types, and equal in everything but tensors. */
  readonly key: string
  /** The arguments with other tensors in the places of theirs. */
  readonly with: (tensors: readonly tf.Tensor[]) => readonly unknown[]
}

/** How variables are taken: for their values, as tensors are, or for themselves, being fixed parts of a recording. */
export type VariablesTaken = 'as values' | 'themselves'

/** @throws InputError for an argument that is neither a living tensor nor something plain */
export function takeApart(args: readonly unknown[], taken: VariablesTaken = 'as values'): TakenApart {
  const tensors: tf.Tensor[] = []
  const variables: tf.Variable[] = []
  const isFixed = (tensor: tf.Tensor): boolean => taken === 'themselves' && tensor instanceof tf.Variable
  let key = ''
  const describe = (tree: unknown, path: string): void => {
    if (isTensor(tree)) {
      if (tree.isDisposed) throw badArgument(path, 'a tensor that is disposed')
      if (tree.dtype === 'string' || tree.dtype === 'complex64') throw badArgument(path, `a ${tree.dtype} tensor`)
      key += `${isFixed(tree) ? `variable ${tree.id} ` : ''}${tree.dtype}[${tree.shape.join()}]`
      if (!isFixed(tree)) tensors.push(tree)
      if (isVariable(tree)) variables.push(tree)
    } else if (Array.isArray(tree)) {
      key += '['
      tree.forEach((item, i) => {
        describe(item, `${path}[${i}]`)
        key += ','
      })
      key += ']'
    } else if (isPlainObject(tree)) {
      key += '{'
      for (const [name, value] of Object.entries(tree)) {
        key += `${JSON.stringify(name)}:`
        describe(value, `${path}.${name}`)
        key += ','
      }
      key += '}'
    } else {
      key += describePlain(tree, path)
    }
  }
  describe(args, 'arguments')
  return {
    tensors,
    variables,
    key,
    with: (others) => {
      let next = 0
      return args.map((arg) => mapLeaves(arg, '', (leaf) => (isTensor(leaf) && !isFixed(leaf) ? others[next++] : leaf)))
    },
  }
}

function describePlain(value: unknown, path: string): string {
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value)
  if (value === undefined || value === null || typeof value === 'boolean') return String(value)
  throw badArgument(path, ArrayBuffer.isView(value) ? 'a typed array' : typeof value)
}

function badArgument(where: string, found: string): SiglipError {
  return new InputError('A function of `jit` was given what it cannot take', {
    expected: 'tensors of numbers, plain values, and arrays and objects of them',
    found,
    where,
    hint: found === 'a typed array' ? 'Make a tensor of it: tf.tensor(data, shape).' : undefined,
  })
}

/** What a function returned, taken apart. */
export interface Returned {
  /** Each once. */
  readonly tensors: readonly tf.Tensor[]
  /** The same structure around other tensors. */
  readonly with: (tensors: readonly tf.Tensor[]) => unknown
}

/** @param refuse called for what is neither a tensor nor nothing; it throws */
export function takeResultApart(result: unknown, refuse: (found: string, path: string) => never): Returned {
  const places = new Map<tf.Tensor, number>()
  const template = mapLeaves(result, 'result', (leaf, path) => {
    if (leaf === undefined || leaf === null) return leaf
    if (!isTensor(leaf)) return refuse(leaf instanceof Object ? 'another object' : typeof leaf, path)
    const place = places.get(leaf) ?? places.size
    places.set(leaf, place)
    return place
  })
  return {
    tensors: [...places.keys()],
    with: (tensors) => mapLeaves(template, 'result', (leaf) => (typeof leaf === 'number' ? tensors[leaf] : leaf)),
  }
}
