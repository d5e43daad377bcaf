import { createRequire } from 'node:module'
import { availableParallelism } from 'node:os'
import { types } from 'node:util'

import * as tf from '@tensorflow/tfjs'

import { BackendError, InputError } from '../../errors.js'
import { findNativeFolder, nativePaths } from '../native-folder.js'
import { messageOf } from '../setup/run-tool.js'
import { ENCODING_VERSION, encodeProgram } from './encode-program.js'
import {
  type EngineAddon,
  type EngineInfo,
  type EngineMemory,
  isEngineAddon,
  type NativeProgram,
} from './engine-addon.js'
import { isNativeBackend, type NativeBackend, type NativeTensor } from './native-backend.js'
import type { Program } from './program.js'
import type { ShapeInference } from './shape-inference.js'

/**
 * Runs programs on the native backend's tensors. All engines of a process share threads and memory, so programs run one after
 * the other, whichever thread of JavaScript asks: each takes all threads.
 */
export interface Engine extends EngineInfo {
  /** @throws BackendError if the program is wrong. */
  readonly compile: (program: Program) => Executable
  /** For the shapes of one recording. */
  readonly shapeGraph: () => ShapeInference
  readonly memory: () => EngineMemory
  /** How many threads run a program from now on. Default: as many as the process may use. */
  readonly setThreads: (count: number) => void
  /** Uses other kernels from `usable` from now on, for comparison. */
  readonly setKernels: (name: string) => void
  /** Memory that TensorFlow takes for a tensor without copying it: 64-byte aligned, in large pages if it is large. */
  readonly alignedBuffer: (bytes: number) => ArrayBuffer
}

/** A program ready to run. Its results are the caller's to dispose. */
export interface Executable {
  /** @throws InputError for an index that is out of range, a disposed tensor and tensors of other types and sizes */
  readonly run: (args: readonly tf.Tensor[], captures: readonly tf.Tensor[]) => tf.Tensor[]
  /** The same, off JavaScript's thread. The tensors may be disposed as soon as it is called. */
  readonly runAsync: (args: readonly tf.Tensor[], captures: readonly tf.Tensor[]) => Promise<tf.Tensor[]>
  /** Runs it for the times of its steps, in milliseconds. */
  readonly profile: (args: readonly tf.Tensor[], captures: readonly tf.Tensor[]) => number[]
  /** Frees the program; runs that have been asked for come to their end first. */
  readonly dispose: () => void
}

const require = createRequire(import.meta.url)

/** As many as the environment's `SIGLIP_THREADS` says, else one for each core. */
function threadsWanted(): number {
  const wanted = Number(process.env['SIGLIP_THREADS'])
  return Number.isInteger(wanted) && wanted > 0 ? wanted : availableParallelism()
}

/** The engine under the backend that runs, or why there is none. */
export function loadEngine(): Engine | { readonly missing: string } {
  const backend: unknown = tf.backend()
  if (!isNativeBackend(backend)) return { missing: 'the native backend does not run' }
  const addon = loadAddon()
  if ('missing' in addon) return addon
  const { tensorHandles } = backend.binding
  if (!tensorHandles) return { missing: 'the native backend is not the one that `siglip setup` builds' }
  try {
    addon.attach(tensorHandles, threadsWanted())
    const kernels = process.env['SIGLIP_TFJS_KERNELS']
    if (kernels) addon.setKernels(kernels)
  } catch (cause) {
    return { missing: messageOf(cause) }
  }
  return engineOf(addon, backend)
}

function loadAddon(): EngineAddon | { readonly missing: string } {
  const folder = findNativeFolder()
  if ('missing' in folder) return { missing: `the native backend is missing: ${folder.missing}` }
  if (folder.marker.noEngine !== null) return { missing: `the engine could not be compiled: ${folder.marker.noEngine}` }
  if (folder.marker.sources === null) return { missing: 'tfjs-node’s own installation has no engine' }
  const again = 'Run `npx siglip setup`'
  const file = nativePaths(folder.path).engine
  let addon: unknown
  try {
    addon = require(file)
  } catch (cause) {
    return { missing: `the engine does not load: ${messageOf(cause)}. ${again}` }
  }
  if (isEngineAddon(addon) && addon.encoding === ENCODING_VERSION) return addon
  return { missing: `the engine was built by another version of this package. ${again}` }
}

function engineOf(addon: EngineAddon, backend: NativeBackend): Engine {
  return {
    ...addon.info(),
    compile: (program) => executableOf(addon, backend, program),
    shapeGraph: () => new addon.ShapeGraph(),
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
  const call = <Result>(
    run: (program: NativeProgram, args: readonly number[], captures: readonly number[]) => Result,
    args: readonly tf.Tensor[],
    captures: readonly tf.Tensor[],
  ): Result => {
    const ids = [idsOf(backend, args), idsOf(backend, captures)] as const
    return attempt(() => run(made, ...ids))
  }
  const tensors = (results: readonly NativeTensor[]) => results.map((result) => backend.createOutputTensor(result))
  return {
    run: (args, captures) => tensors(call(addon.run, args, captures)),
    runAsync: async (args, captures) => {
      try {
        return tensors(await call(addon.runAsync, args, captures))
      } catch (cause) {
        throw errorOf(cause)
      }
    },
    profile: (args, captures) => call(addon.profile, args, captures),
    dispose: () => {
      addon.dispose(made)
    },
  }
}

/** Uploads what the backend has put off. */
function idsOf(backend: NativeBackend, tensors: readonly tf.Tensor[]): number[] {
  for (const tensor of tensors) {
    if (tensor.isDisposed)
      throw new InputError('A tensor is disposed', { found: `${tensor.dtype} [${tensor.shape.join()}]` })
  }
  return backend.getInputTensorIds(tensors)
}

function attempt<Result>(run: () => Result): Result {
  try {
    return run()
  } catch (cause) {
    throw errorOf(cause)
  }
}

/** The addon tells what the caller's values do wrong by a `RangeError`. */
function errorOf(cause: unknown): Error {
  if (cause instanceof InputError || cause instanceof BackendError) return cause
  const isRange = types.isNativeError(cause) && cause.name === 'RangeError'
  return isRange
    ? new InputError('An index is out of range', { found: messageOf(cause), cause })
    : new BackendError('The engine refuses a program', { found: messageOf(cause), cause })
}
