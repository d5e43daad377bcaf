import type * as tf from '@tensorflow/tfjs'

import type { EngineBackend, KernelCall } from '../../backend/engine/engine-backend.js'
import type { EngineProgram } from '../../backend/engine/engine-core.js'
import { compile } from '../compile.js'
import { encodeProgram } from '../program/encode-program.js'
import { callKey } from './call-text.js'
import { type PlainTensor, runOnCpu, withValues } from './cpu-kernel.js'
import { createdBy } from './creation.js'
import { expandedShape, reshapedShape } from './layout.js'
import type { Result } from './node-writer.js'
import { singleKernel } from './single-kernel.js'
import { graphKernels } from './table.js'

/** A kernel's program, and what it makes. */
interface KernelProgram {
  readonly program: EngineProgram
  readonly results: readonly Result[]
  readonly isList: boolean
}

interface Kept {
  /** None: tfjs's `cpu` backend runs the kernel. */
  readonly program: KernelProgram | undefined
  isUsed: boolean
}

/** Programs of kernels that are kept; beyond that, one that has not been used for long goes. */
const MAX_PROGRAMS = 4096

/** Runs kernels one by one, as tfjs asks for them. */
export class KernelRunner {
  readonly #kept = new Map<string, Kept>()

  /** @param reportCpu called for a kernel that the engine does not know */
  constructor(
    private readonly backend: EngineBackend,
    private readonly reportCpu: (kernelName: string) => void,
  ) {}

  run(call: KernelCall): tf.TensorInfo | tf.TensorInfo[] {
    if (this.backend.interceptor) return this.backend.interceptor.kernel(call)
    const made = this.#shared(call) ?? this.#created(call)
    if (made) return made
    const program = this.#programOf(call)
    return program ? this.#computed(call, program) : this.#onCpu(call)
  }

  /** The input's data under the result's shape, where that is all. */
  #shared({ kernelName, inputs, attrs }: KernelCall): tf.TensorInfo | undefined {
    const shapeOf = SHARING[kernelName]
    const x = inputs['x'] ?? inputs['input']
    if (!shapeOf || !x || (kernelName === 'Cast' && attrs['dtype'] !== x.dtype)) return undefined
    return this.backend.shared(x.dataId, shapeOf(x.shape, attrs), x.dtype)
  }

  #created({ kernelName, attrs }: KernelCall): tf.TensorInfo | undefined {
    const made = createdBy[kernelName]?.(attrs)
    return made && this.backend.made(made.values, made.shape, made.dtype)
  }

  #computed({ inputs }: KernelCall, { program, results, isList }: KernelProgram): tf.TensorInfo | tf.TensorInfo[] {
    const addresses: number[] = []
    for (const name in inputs) {
      const input = inputs[name]
      if (input) addresses.push(this.backend.addressOf(input.dataId))
    }
    const found = program.run(addresses, [])
    const infos = results.map(({ shape, dtype }, i) => this.backend.adopt(found[i] ?? 0, shape, dtype))
    const [only] = infos
    return isList || !only ? infos : only
  }

  #programOf(call: KernelCall): KernelProgram | undefined {
    const key = callKey(call.kernelName, call.inputs, call.attrs)
    const known = this.#kept.get(key)
    if (known) {
      known.isUsed = true
      return known.program
    }
    const program = this.#compiled(call)
    this.#kept.set(key, { program, isUsed: false })
    if (this.#kept.size > MAX_PROGRAMS) this.#forgetOne()
    return program
  }

  /** The oldest of those that have not been used since they were last looked at. */
  #forgetOne(): void {
    for (const [key, kept] of this.#kept) {
      this.#kept.delete(key)
      if (!kept.isUsed) {
        kept.program?.program.dispose()
        return
      }
      kept.isUsed = false
      this.#kept.set(key, kept)
    }
  }

  #compiled({ kernelName, inputs, attrs }: KernelCall): KernelProgram | undefined {
    const single = singleKernel(kernelName, inputs, attrs)
    if (!single) {
      if (!graphKernels[kernelName]) this.reportCpu(kernelName)
      return undefined
    }
    const { graph, results, isList } = single
    return {
      program: this.backend.core.create(encodeProgram(compile(graph, { precision: 'float32' }))),
      results,
      isList,
    }
  }

  #onCpu({ kernelName, inputs, attrs }: KernelCall): tf.TensorInfo | tf.TensorInfo[] {
    const { backend } = this
    const views = new Set<ArrayBufferLike>()
    const read = ({ dataId, shape, dtype }: tf.TensorInfo): PlainTensor => {
      const values = backend.view(dataId)
      if (!Array.isArray(values)) views.add(values.buffer)
      return { values, shape, dtype }
    }
    const write = ({ values, shape, dtype }: PlainTensor): tf.TensorInfo => {
      const isView = !Array.isArray(values) && views.has(values.buffer)
      return backend.made(isView ? values.slice() : values, shape, dtype) // the engine's memory moves when it grows
    }
    const plain = withValues<
      tf.TensorInfo | tf.TensorInfo[] | undefined,
      ReturnType<typeof read> | PlainTensor[] | undefined
    >(inputs, (input) => (Array.isArray(input) ? input.map(read) : input && read(input)))
    const results = runOnCpu(kernelName, plain, attrs)
    return isPlain(results) ? write(results) : results.map(write)
  }
}

const isPlain = (results: PlainTensor | readonly PlainTensor[]): results is PlainTensor => 'dtype' in results

/** Kernels whose result has its input's data, and the result's shape. */
const SHARING: Readonly<Record<string, (shape: readonly number[], attrs: tf.NamedAttrMap) => readonly number[]>> = {
  Identity: (shape) => shape,
  Cast: (shape) => shape,
  Reshape: reshapedShape,
  ExpandDims: expandedShape,
}
