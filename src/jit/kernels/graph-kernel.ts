import type * as tf from '@tensorflow/tfjs'

import { BackendError } from '../../errors.js'
import type { Value } from '../graph.js'
import type { NodeWriter } from './node-writer.js'

/** A kernel's inputs by tfjs's names; those of a list by their indices. */
export class KernelInputs {
  constructor(private readonly named: Readonly<Record<string, Value | undefined>>) {}

  get(name: string): Value {
    const value = this.named[name]
    if (value) return value
    throw new BackendError('A kernel misses an input', { expected: name, found: Object.keys(this.named).join(', ') })
  }

  optional(name: string): Value | undefined {
    return this.named[name]
  }

  list(): readonly Value[] {
    return Object.values(this.named).filter((value) => value !== undefined)
  }
}

/**
 * What a tfjs kernel is as nodes of TensorFlow's operations; `undefined` for inputs that the engine does not compute with. A table of
 * these serves eager kernels and recordings.
 */
export type GraphKernel = (
  writer: NodeWriter,
  inputs: KernelInputs,
  attrs: tf.NamedAttrMap,
) => Value | readonly Value[] | undefined

/** Graph kernels by tfjs's names. */
export type GraphKernels = Readonly<Record<string, GraphKernel>>
