import * as tf from '@tensorflow/tfjs'

import { bytesOf, elementsOf, type EngineBackend } from '../backend/engine/engine-backend.js'
import type { Address, EngineProgram } from '../backend/engine/engine-core.js'
import { alreadyRun } from '../backend/engine/already-run.js'
import { BackendError, InputError } from '../errors.js'
import { sizeOf } from './graph-builder.js'
import { type Operand, runCpuNode } from './kernels/cpu-node.js'
import { nameOf } from './name-of.js'
import { encodeProgram } from './program/encode-program.js'
import type { BufferSource, Program, TensorFlowStep, View } from './program/program.js'
import type { Executable, Running } from './record/recorded-function.js'
import { type Segmented, segmented, sizeOfBuffer, type Source } from './segments.js'

/**
 * A program ready to run on the tensors of the engine's backend. Where it has steps that the engine does not know, tfjs's `cpu` backend
 * runs them between its segments.
 *
 * @throws BackendError if the engine refuses it
 */
export function engineExecutable(backend: EngineBackend, program: Program): Executable {
  const executable = new EngineExecutable(backend, program)
  return {
    run: (args, captures) => executable.run(args, captures),
    start: (args, captures, options) => executable.start(args, captures, options),
    dispose: () => {
      executable.dispose()
    },
  }
}

type Result = Extract<BufferSource, { readonly kind: 'result' }>

/** What a run has made: addresses of buffers. */
type MadeBuffers = Map<number, Address>

class EngineExecutable {
  readonly #backend: EngineBackend
  readonly #program: Program
  readonly #segmented: Segmented
  /** For each part; none for one that is no segment. */
  readonly #programs: readonly (EngineProgram | undefined)[]
  /** Captures that results may be written over. */
  readonly #over: readonly number[]

  constructor(backend: EngineBackend, program: Program) {
    this.#backend = backend
    this.#program = program
    this.#segmented = segmented(program)
    this.#programs = this.#segmented.parts.map((part) =>
      part.kind === 'segment' ? backend.core.create(encodeProgram(part.program)) : undefined,
    )
    this.#over = program.buffers.flatMap((buffer) =>
      buffer.kind === 'result' && buffer.over !== undefined ? [buffer.over] : [],
    )
  }

  run(args: readonly tf.Tensor[], captures: readonly tf.Tensor[]): tf.Tensor[] {
    return this.#tensors(this.#made(args, captures, this.#owned(captures)), captures)
  }

  start(
    args: readonly tf.Tensor[],
    captures: readonly tf.Tensor[],
    { inPlace }: { readonly inPlace: boolean },
  ): Running {
    const [part, ...others] = this.#segmented.parts
    const [program] = this.#programs
    if (!inPlace && part?.kind === 'segment' && program && others.length === 0) {
      const given = this.#addresses(args)
      const { ended, finish } = program.start(
        part.args.map((source) => this.#addressOf(source, given, new Map())),
        this.#addresses(captures),
      )
      return {
        ended,
        finish: () => {
          const found = finish()
          return this.#tensors(new Map(part.results.map((buffer, i) => [buffer, found[i] ?? 0])), captures)
        },
      }
    }
    const { ended, finish } = alreadyRun(() => {
      const made = this.#made(args, captures, inPlace ? this.#owned(captures) : [])
      // Variables may be assigned until the run is finished: what is in their memory is held.
      return this.#infos(made, captures)
    })
    return { ended, finish: () => this.#tensorsOf(finish()) }
  }

  dispose(): void {
    for (const program of this.#programs) program?.dispose()
  }

  #owned(captures: readonly tf.Tensor[]): readonly number[] {
    return this.#over.filter((index) => {
      const capture = captures[index]
      return capture !== undefined && !capture.isDisposed && this.#backend.refCount(capture.dataId) === 1
    })
  }

  #addresses(tensors: readonly tf.Tensor[]): Address[] {
    return tensors.map((tensor) => {
      if (tensor.isDisposed) throw new InputError('A tensor is disposed', { found: nameOf(tensor) })
      return this.#backend.addressOf(tensor.dataId)
    })
  }

  #made(args: readonly tf.Tensor[], captures: readonly tf.Tensor[], replaced: readonly number[]): MadeBuffers {
    const { core } = this.#backend
    const [given, captured] = [this.#addresses(args), this.#addresses(captures)]
    const made: MadeBuffers = new Map()
    const free = (buffer: number): void => {
      const address = made.get(buffer)
      if (address !== undefined && !captured.includes(address)) core.free(address)
      made.delete(buffer)
    }
    try {
      this.#segmented.parts.forEach((part, i) => {
        if (part.kind === 'segment') {
          const sources = part.args.map((source) => this.#addressOf(source, given, made))
          const found = this.#programs[i]?.run(sources, captured, replaced) ?? []
          part.results.forEach((buffer, j) => made.set(buffer, found[j] ?? 0))
        } else {
          this.#between(part.step, given, captured, made)
        }
        this.#segmented.freed[i]?.forEach(free)
      })
      return made
    } catch (error) {
      for (const buffer of [...made.keys()]) free(buffer)
      throw error
    }
  }

  #addressOf(source: Source, given: readonly Address[], made: MadeBuffers): Address {
    const address = source.kind === 'argument' ? given[source.index] : made.get(source.buffer)
    if (address !== undefined) return address
    throw new BackendError('A program lacks what it reads', { found: JSON.stringify(source) })
  }

  #between(
    { op, attributes, inputs, outputs }: TensorFlowStep,
    given: readonly Address[],
    captured: readonly Address[],
    made: MadeBuffers,
  ): void {
    const { core } = this.#backend
    const operands = inputs.map((view) => this.#operand(view, given, captured, made))
    const memory = new Set(operands.map(({ values }) => values.buffer))
    const results = runCpuNode(op, attributes, operands)
    const own = results.map(({ values }) => {
      if (Array.isArray(values)) throw new BackendError('An operation gives texts', { found: op })
      return memory.has(values.buffer) ? values.slice() : values // memory moves when it grows
    })
    outputs.forEach(({ buffer, shape, dtype }, i) => {
      const [values, result] = [own[i], results[i]]
      if (!values || !result || result.shape.join() !== shape.join() || result.dtype !== dtype) {
        throw new BackendError('An operation gives another result than when it was recorded', {
          where: op,
          expected: `${dtype} [${shape.join()}]`,
          found: result && `${result.dtype} [${result.shape.join()}]`,
        })
      }
      const address = core.allocate(Math.max(1, sizeOfBuffer(this.#program, buffer)))
      made.set(buffer, address)
      const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
      core.bytes(address, bytes.length).set(bytes)
    })
  }

  /** What lies in a view, to be read before memory is asked for. */
  #operand(
    { buffer, offset, shape, dtype }: View,
    given: readonly Address[],
    captured: readonly Address[],
    made: MadeBuffers,
  ): Operand {
    if (dtype === 'bfloat16') throw new BackendError('An operation gets bfloat16', { where: `buffer ${buffer}` })
    const size = sizeOf(shape)
    const source = this.#program.buffers[buffer]
    if (source?.kind === 'constant') return { values: source.values.subarray(offset, offset + size), shape, dtype }
    const address =
      source?.kind === 'capture'
        ? captured[source.index]
        : this.#addressOf(source?.kind === 'argument' ? source : { kind: 'made', buffer }, given, made)
    const width = bytesOf(dtype)
    const bytes = this.#backend.core.bytes(address ?? 0, (offset + size) * width)
    return { values: elementsOf(bytes.subarray(offset * width), dtype), shape, dtype }
  }

  #infos(made: MadeBuffers, captures: readonly tf.Tensor[]): tf.TensorInfo[] {
    const { core } = this.#backend
    return this.#segmented.results.map((buffer) => {
      const { shape, dtype, over } = this.#resultAt(buffer)
      const capture = captures[over ?? -1]
      // One of no elements may be made by no step.
      const address = made.get(buffer) ?? core.allocate(1)
      if (capture && address === this.#backend.addressOf(capture.dataId)) {
        return this.#backend.shared(capture.dataId, shape, dtype)
      }
      return this.#backend.adopt(address, shape, dtype)
    })
  }

  #tensors(made: MadeBuffers, captures: readonly tf.Tensor[]): tf.Tensor[] {
    return this.#tensorsOf(this.#infos(made, captures))
  }

  #tensorsOf(infos: readonly tf.TensorInfo[]): tf.Tensor[] {
    return infos.map((info) => tf.engine().makeTensorFromTensorInfo(info, this.#backend))
  }

  #resultAt(buffer: number): Result {
    const source = this.#program.buffers[buffer]
    if (source?.kind === 'result') return source
    throw new BackendError('A program lacks a result', { found: String(buffer) })
  }
}
