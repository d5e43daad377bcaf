import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { types } from 'node:util'

import * as tf from '@tensorflow/tfjs'

import { BackendError, InputError } from '../../errors.js'
import { loadedNativeFolder } from '../../backend/native.js'
import { addonPaths, findNativeFolder } from '../../backend/native-folder.js'
import { threadsWanted } from '../../backend/threads-wanted.js'
import { messageOf } from '../../io/system-error.js'
import type { EngineInfo, EngineMemory } from '../../backend/engine/engine-core.js'
import { engineError } from '../../backend/engine/engine-failure.js'
import { encodeProgram } from './encode-program.js'
import { type EngineAddon, isEngineAddon, type Run } from './engine-addon.js'
import {
  isBeingWritten,
  isNativeBackend,
  type NativeBackend,
  type NativeTensor,
  numberWhileWritten,
} from '../record/native-backend.js'
import { nameOf } from '../name-of.js'
import type { Program } from './program.js'
import { nativeHost } from '../record/native-host.js'
import type { HostFactory } from '../record/recording-host.js'
import type { Running } from '../record/recorded-function.js'
import type { ShapeInference } from '../record/shape-inference.js'
import { tables, tablesDifference } from '../../backend/engine/tables.js'

/**
 * Runs programs on the native backend's tensors. All engines of a process share threads and memory, so programs run one after
 * the other, whichever thread of JavaScript asks: each takes all threads.
 */
export interface Engine extends EngineInfo {
  /** @throws BackendError if the program is wrong. */
  readonly compile: (program: Program) => Executable
  /** For the shapes of one recording. */
  readonly shapeGraph: () => ShapeInference
  /** What recordings for it take of the backend. */
  readonly host: HostFactory
  readonly memory: () => EngineMemory
  /** How many threads run a program from now on. Default: as many as the process may use. */
  readonly setThreads: (count: number) => void
  /** Uses other kernels from `usable` from now on, for comparison. */
  readonly setKernels: (name: string) => void
  /** Memory that TensorFlow takes for a tensor without copying it: 64-byte aligned, in large pages if it is large. */
  readonly alignedBuffer: (bytes: number) => ArrayBuffer
}

/**
 * A program ready to run. Its results are the caller's to dispose. One that may be written over a capture is, if no other tensor has the
 * capture's data: the two share them then.
 */
export interface Executable {
  /** @throws InputError for an index that is out of range, a disposed tensor and tensors of other types and sizes */
  readonly run: (args: readonly tf.Tensor[], captures: readonly tf.Tensor[]) => tf.Tensor[]
  /**
   * The same, off JavaScript's thread. The tensors may be disposed as soon as it is called. Captures are written over only if `inPlace`
   * is set, and have no values until the run is finished.
   */
  readonly start: (
    args: readonly tf.Tensor[],
    captures: readonly tf.Tensor[],
    options?: { readonly inPlace: boolean },
  ) => Running
  /** Runs it for the times of its steps, in milliseconds. */
  readonly profile: (args: readonly tf.Tensor[], captures: readonly tf.Tensor[]) => number[]
  /** Frees the program; runs that have been asked for come to their end first. */
  readonly dispose: () => void
}

const require = createRequire(import.meta.url)

/**
 * The engine under the backend that runs, or why there is none. `file`: another one than was built with the backend.
 *
 * @throws BackendError if its tables are other ones than this package's
 */
export function loadEngine(file?: string): Engine | { readonly missing: string } {
  const backend: unknown = tf.backend()
  if (!isNativeBackend(backend)) return { missing: 'the native backend does not run' }
  const addon = loadAddon(file)
  if ('missing' in addon) return addon
  const { tensorHandles } = backend.binding
  if (!tensorHandles) return { missing: 'the native backend is not the one that `siglip setup` builds' }
  const threads = threadsWanted()
  try {
    addon.attach(tensorHandles, threads)
    const kernels = process.env['SIGLIP_KERNELS']
    if (kernels) addon.setKernels(kernels)
  } catch (cause) {
    return { missing: messageOf(cause) }
  }
  return engineOf(addon, backend)
}

function loadAddon(other: string | undefined): EngineAddon | { readonly missing: string } {
  const loaded = loadedNativeFolder()
  const folder = loaded?.folder ?? findNativeFolder()
  if ('missing' in folder) return { missing: `the native backend is missing: ${folder.missing}` }
  const { noEngine, sources, addon: binding } = folder.marker
  if (noEngine !== null) return { missing: `the engine could not be compiled: ${noEngine}` }
  if (sources === null) return { missing: 'tfjs-node’s own installation has no engine' }
  const again = 'Run `npx siglip setup`'
  let addon: unknown
  try {
    if (other !== undefined || !loaded) addon = require(other ?? addonPaths(dirname(join(folder.path, binding))).engine)
    else if ('failure' in loaded.engine) throw loaded.engine.failure
    else addon = loaded.engine.addon
  } catch (cause) {
    return { missing: `the engine does not load: ${messageOf(cause)}. ${again}` }
  }
  if (!isEngineAddon(addon) || addon.tables.limits.encoding !== tables.limits.encoding) {
    return { missing: `the engine was built by another version of this package. ${again}` }
  }
  const difference = tablesDifference(addon.tables)
  if (difference === undefined) return addon
  throw new BackendError('The engine encodes programs in another way than this package', {
    found: difference,
    hint: `${again}.`,
  })
}

function engineOf(addon: EngineAddon, backend: NativeBackend): Engine {
  return {
    ...addon.info(),
    compile: (program) => executableOf(addon, backend, program),
    shapeGraph: () => new addon.ShapeGraph(),
    host: nativeHost(backend, () => new addon.ShapeGraph()),
    memory: () => addon.memory(),
    setThreads: (count) => {
      addon.setThreads(count)
    },
    setKernels: (name) => {
      addon.setKernels(name)
    },
    alignedBuffer: (bytes) => addon.alignedBuffer(bytes),
  }
}

function executableOf(addon: EngineAddon, backend: NativeBackend, program: Program): Executable {
  const { words, constants, texts } = encodeProgram(program)
  const made = attempt(() => addon.create(words, constants, texts))
  const over = new Map(
    program.buffers.flatMap((buffer) =>
      buffer.kind === 'result' && buffer.over !== undefined ? [[buffer.index, buffer.over] as const] : [],
    ),
  )
  const call = <Result>(
    run: Run<Result>,
    args: readonly tf.Tensor[],
    captures: readonly tf.Tensor[],
    replaced: readonly number[],
  ): Result => {
    const ids = [idsOf(backend, args), idsOf(backend, captures)] as const
    return attempt(() => run(made, ...ids, replaced))
  }
  const ownedOf = (captures: readonly tf.Tensor[]): number[] =>
    [...over.values()].filter((place) => {
      const capture = captures[place]
      return capture !== undefined && !capture.isDisposed && backend.refCount(capture.dataId) === 1
    })
  const tensors = (results: readonly (NativeTensor | null)[], captures: readonly tf.Tensor[]): tf.Tensor[] => {
    const made = results.map((result) => result && backend.createOutputTensor(result))
    return made.map((tensor, i) => {
      const capture = captures[over.get(i) ?? -1]
      if (tensor) return tensor
      if (capture) return tf.clone(capture)
      throw new BackendError('The engine gave no result', { found: String(i) })
    })
  }
  return {
    run: (args, captures) => tensors(call(addon.run, args, captures, ownedOf(captures)), captures),
    start: (args, captures, { inPlace } = { inPlace: false }) => {
      const owned = inPlace ? ownedOf(captures) : []
      const { run, ended } = call(addon.start, args, captures, owned)
      const written = owned.flatMap((place) => captures[place] ?? [])
      const show = hidden(backend, written)
      const before = written.map(({ dataId }) => dataId)
      const finish = (): tf.Tensor[] => {
        const results = attempt(() => {
          try {
            return addon.finish(run)
          } finally {
            show()
          }
        })
        const changed = written.find((tensor, i) => tensor.isDisposed || tensor.dataId !== before[i])
        if (!changed) return tensors(results, captures)
        for (const result of results) if (result) backend.binding.deleteTensor(result.id)
        throw new InputError('A variable is disposed of or assigned while a call writes it in place', {
          found: nameOf(changed),
          hint: 'Await the promise of that call before.',
        })
      }
      return { ended, finish }
    },
    profile: (args, captures) => call(addon.profile, args, captures, []),
    dispose: () => {
      addon.dispose(made)
    },
  }
}

/**
 * Lets the backend know of no values of tensors that a run is writing.
 * @returns what ends that; tensors that were disposed of until then are freed
 */
function hidden(backend: NativeBackend, tensors: readonly tf.Tensor[]): () => void {
  const places = tensors.map(({ dataId }) => {
    const { id } = backend.tensorMap.get(dataId)
    backend.tensorMap.get(dataId).id = numberWhileWritten()
    return { dataId, id }
  })
  return () => {
    for (const { dataId, id } of places) {
      if (backend.tensorMap.has(dataId)) backend.tensorMap.get(dataId).id = id
      else backend.binding.deleteTensor(id)
    }
  }
}

/** Uploads what the backend has put off. */
function idsOf(backend: NativeBackend, tensors: readonly tf.Tensor[]): number[] {
  for (const tensor of tensors) {
    if (tensor.isDisposed)
      throw new InputError('A tensor is disposed', { found: `${tensor.dtype} [${tensor.shape.join()}]` })
  }
  const ids = backend.getInputTensorIds(tensors)
  const written = ids.findIndex(isBeingWritten)
  if (written < 0) return ids
  const tensor = tensors[written]
  throw new InputError('A variable is used while a call writes it in place', {
    found: tensor && nameOf(tensor),
    hint: 'Await the promise of that call before.',
  })
}

function attempt<Result>(run: () => Result): Result {
  try {
    return run()
  } catch (cause) {
    throw errorOf(cause)
  }
}

/** The addon reports wrong values of the caller by a `RangeError`, and memory that has run out by a code. */
function errorOf(cause: unknown): Error {
  if (cause instanceof InputError || cause instanceof BackendError) return cause
  const message = messageOf(cause)
  if (!types.isNativeError(cause)) return engineError({ kind: 'program', message }, cause)
  const { expected = '', position, value, bytes = 0, halfWritten = false } = cause as Error & Partial<AddonFields>
  if (position !== undefined && value !== undefined) {
    return engineError({ kind: 'value', message, expected, position, value })
  }
  if ('code' in cause && cause.code === 'ERR_MEMORY') return engineError({ kind: 'memory', bytes, halfWritten }, cause)
  return engineError({ kind: cause.name === 'RangeError' ? 'range' : 'program', message }, cause)
}

/** What the addon's errors carry (native/program/errors.h). */
interface AddonFields {
  readonly expected: string
  readonly position: number
  readonly value: number
  readonly bytes: number
  readonly halfWritten: boolean
}
