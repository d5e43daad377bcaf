import * as tf from '@tensorflow/tfjs'

import type { Argument, Value } from '../graph.js'
import type { Captures } from './captures.js'
import { GraphWriter } from './graph-writer.js'
import { isBeingWritten, type NativeBackend, type NativeBinding } from './native-backend.js'
import { dataType } from './recorded-types.js'
import type { HostFactory, RecordingHost } from './recording-host.js'
import type { ShapeInference } from './shape-inference.js'
import { skipCheckOfGather, valuesReadError } from './trace-guards.js'

/** Recordings on tfjs-node's backend. @param shapes where the shapes of one recording come from */
export const nativeHost =
  (backend: NativeBackend, shapes: () => ShapeInference): HostFactory =>
  (captures) =>
    new NativeHost(backend, shapes(), captures)

/** It stands where tfjs-node's backend calls its addon. */
class NativeHost implements RecordingHost {
  readonly #backend: NativeBackend
  readonly #binding: NativeBinding
  readonly #shapes: ShapeInference
  readonly #captures: Captures
  readonly #graph: GraphWriter
  readonly #written = new WeakSet()

  constructor(backend: NativeBackend, shapes: ShapeInference, captures: Captures) {
    this.#backend = backend
    this.#binding = backend.binding
    this.#shapes = shapes
    this.#captures = captures
    this.#graph = new GraphWriter(shapes)
  }

  own(variable: tf.Variable): void {
    if (this.#backend.refCount(variable.dataId) <= 1) return
    this.#upload(variable.dataId)
    tf.tidy(() => {
      const info = this.#backend.tensorMap.get(variable.dataId)
      const type = { name: 'T', type: 4, value: info.dtype }
      const [copy] = this.#binding.executeOp('Identity', [type], [info.id], 1)
      if (copy) variable.assign(this.#backend.createOutputTensor(copy))
    })
  }

  takePlace(): () => void {
    const undo = [this.#standForBinding(), skipCheckOfGather(this.#backend)]
    return () => {
      for (const back of undo) back()
    }
  }

  argument(tensor: tf.Tensor, index: number): { readonly node: Argument; readonly tensor: tf.Tensor } {
    this.#upload(tensor.dataId)
    const { dtype, id } = this.#backend.tensorMap.get(tensor.dataId)
    const { shape } = tensor
    const argument = this.#graph.argument(index, { id, dtype, shape })
    return { node: argument.node, tensor: this.#backend.createOutputTensor({ id: argument.id, dtype, shape }) }
  }

  valueOf(tensor: tf.TensorInfo): Value {
    return this.#graph.value(this.#idOf(tensor))
  }

  dispose(): void {
    this.#shapes.dispose()
  }

  #upload(dataId: object): void {
    const info = this.#backend.tensorMap.get(dataId)
    if (info.values === null) return
    info.id = this.#binding.createTensor(info.shape, info.dtype, info.values)
    info.values = null
  }

  #standForBinding(): () => void {
    const backend = this.#backend
    const binding = this.#binding
    const place: NativeBinding = {
      executeOp: (op, attributes, inputs, outputs) => this.#graph.operation(op, attributes, inputs, outputs),
      createTensor: (shape, dtype, values) => this.#graph.constant(shape, dtype, values),
      deleteTensor: (id) => {
        binding.deleteTensor(id)
      },
      tensorDataSync: () => {
        throw valuesReadError()
      },
    }
    const properties = Object.entries(place).map(([name, value]: [string, unknown]) => [name, { value }] as const)
    backend.binding = standIn(binding, Object.fromEntries(properties)) // the addon's own properties are read-only
    const write = backend.write.bind(backend)
    backend.write = (values, shape, dtype) => {
      const dataId = write(values, shape, dtype)
      this.#written.add(dataId)
      return dataId
    }
    backend.getInputTensorIds = (tensors) => tensors.map((tensor) => this.#idOf(tensor))
    return () => {
      backend.binding = binding
      Reflect.deleteProperty(backend, 'write')
      Reflect.deleteProperty(backend, 'getInputTensorIds')
    }
  }

  #idOf({ dataId }: tf.TensorInfo): number {
    const info = this.#backend.tensorMap.get(dataId)
    if (info.values !== null) {
      if (this.#written.has(dataId)) {
        info.id = this.#graph.constant(info.shape, info.dtype, info.values)
        info.values = null
      } else {
        this.#upload(dataId)
      }
    }
    if ((info.id >= 0 || isBeingWritten(info.id)) && !this.#captures.has(dataId)) {
      this.#graph.capture(this.#captures.valueOf(dataId, info.shape, dataType(info.dtype)), info)
    }
    return info.id
  }
}

function standIn(binding: NativeBinding, properties: PropertyDescriptorMap): NativeBinding {
  return Object.create(binding, properties) as NativeBinding
}
