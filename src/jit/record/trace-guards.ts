import * as tf from '@tensorflow/tfjs'

import { TraceError } from '../../errors.js'
import { NATIVE } from '../../backend/backend-report.js'
import type { NativeBackend } from './native-backend.js'
import { userLine } from './user-line.js'

/** Makes drawing a number an error; tfjs takes the seeds of its random tensors there. Returns how to undo it. */
export function forbidRandom(): () => void {
  const { random } = Math
  Math.random = () => {
    throw randomError()
  }
  return () => {
    Math.random = random
  }
}

/** What drawing a number while recording ends with. */
export const randomError = (): TraceError =>
  new TraceError('A random number is drawn inside a function that `jit` records', {
    where: userLine(),
    hint: 'It would be the same at every call: pass it in as a tensor.',
  })

/** What asking for values while recording ends with. */
export const valuesReadError = (): TraceError =>
  new TraceError('The values of a tensor are read inside a function that `jit` records', {
    where: userLine(),
    hint: 'There are none yet: return the tensor and read it outside.',
  })

/** What an operation ends with whose results have as many elements as values say. */
export const dataDependentError = (op: string): TraceError =>
  new TraceError('A shape depends on the values inside a function that `jit` records', {
    found: op,
    where: userLine(),
    hint: 'Do it outside.',
  })

/** tfjs-node's gather reads the indices to check them; while recording there are none, and what runs later checks them. */
export function skipCheckOfGather(backend: NativeBackend): () => void {
  const gather = tf.getKernel(tf.GatherV2, NATIVE)
  const blind: unknown = Object.create(backend, { readSync: { value: () => [] } })
  tf.unregisterKernel(tf.GatherV2, NATIVE)
  tf.registerKernel({
    ...gather,
    kernelFunc: (call) => gather.kernelFunc({ ...call, backend: isObject(blind) ? blind : call.backend }),
  })
  return () => {
    tf.unregisterKernel(tf.GatherV2, NATIVE)
    tf.registerKernel(gather)
  }
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null

/** Disposes of a tensor that stood for values while a function was recorded; using it afterwards is an error that says so. */
export function spoil(tensor: tf.Tensor): void {
  tensor.dispose()
  Object.defineProperties(tensor, { dataId: { get: refuse }, throwIfDisposed: { value: refuse } })
}

function refuse(): never {
  throw new TraceError('A tensor of a function that `jit` recorded is used outside it', {
    where: userLine(),
    hint: 'It has no values: return it from the function instead of keeping it.',
  })
}

/** A function uses an argument as the variable that it is, not for its values: a recording serves that variable alone. */
export class UsedAsVariable extends Error {}

/** What stands for a variable's values reports that it is used as the variable. */
export function watchUseAsVariable(standIn: tf.Tensor, report: () => void): void {
  const get = (): never => {
    report()
    throw new UsedAsVariable()
  }
  // Of `assign`, tfjs also sees whether a tensor is a variable.
  Object.defineProperties(standIn, { assign: { get }, name: { get }, trainable: { get } })
}
