import * as tf from '@tensorflow/tfjs'

import type { Capture, DataType, Value } from '../graph.js'
import { userLine } from './user-line.js'

/** Something from outside that a recorded function uses. */
export interface Captured {
  /** The variable, or a tensor that shares the captured one's data without holding it. */
  readonly tensor: tf.Tensor
  /** The user's line that used it first, for what has no name. */
  readonly line: string | undefined
}

/** What a recording uses from outside, by its data. */
export class Captures {
  readonly #variables = new Map<object, tf.Variable>()
  readonly #captured = new Map<
    object,
    { readonly value: Value; readonly capture: Capture; readonly captured: Captured }
  >()

  /** Data that are a variable's own say from now on that it is meant. */
  own(variable: tf.Variable): void {
    this.#variables.set(variable.dataId, variable)
  }

  /** The value of captured data, of the shape of the tensor that used them first. */
  valueOf(dataId: object, shape: readonly number[], dtype: DataType): Value {
    const known = this.#captured.get(dataId)
    if (known) return known.value
    const variable = this.#variables.get(dataId)
    const named = variable ? { name: variable.name } : {}
    const outputs: Value[] = []
    const capture: Capture = { kind: 'capture', index: this.#captured.size, outputs, ...named }
    const value: Value = { node: capture, output: 0, shape: [...shape], dtype }
    outputs.push(value)
    const tensor = variable ?? new tf.Tensor([...shape], dtype, dataId, -1)
    const captured = { tensor, line: variable ? undefined : userLine() }
    this.#captured.set(dataId, { value, capture, captured })
    return value
  }

  has(dataId: object): boolean {
    return this.#captured.has(dataId)
  }

  /** In the order they were first used. */
  list(): readonly { readonly capture: Capture; readonly captured: Captured }[] {
    return [...this.#captured.values()]
  }
}
