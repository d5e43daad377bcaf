/**
 * The engine without TensorFlow: it runs programs on tensors that lie in its own memory, natively or on WebAssembly.
 *
 * @module
 */

/**
 * A program as the engine reads it, by native/program/reader.h: buffers in program.cc, the words of a step in the order of its
 * constructor in steps.cc, TensorFlow's in native/tensorflow/step.cc. `encodeProgram` writes one.
 */
export interface EncodedProgram {
  readonly words: Float64Array
  readonly constants: readonly (Float32Array | Int32Array | Uint8Array)[]
  readonly texts: readonly string[]
}

/** What the engine computes with. */
export interface EngineInfo {
  /** The instruction set that is used: `amx`, `avx512`, `avx2` or `portable`; on WebAssembly `relaxed-simd` or `simd`. */
  readonly kernels: string
  /** Those that this processor runs, the fastest first. */
  readonly usable: readonly string[]
  /** Whether matrices of bfloat16 are multiplied in hardware. */
  readonly bfloat16: boolean
  /** How many threads run a program. */
  readonly threads: number
}

export function isEngineInfo(value: unknown): value is EngineInfo {
  return typeof value === 'object' && value !== null && ['kernels', 'usable', 'threads'].every((name) => name in value)
}

/** What the engine holds, in bytes. */
export interface EngineMemory {
  /** What programs work in: as much as the largest one needs. */
  readonly arena: number
  /** Variables in the layout that the processor multiplies fastest. */
  readonly packed: number
}

/** The same, of an engine that has its tensors. */
export interface EngineCoreMemory extends EngineMemory {
  /** How many tensors there are. */
  readonly tensors: number
  readonly tensorBytes: number
}

/** Where a tensor lies. An address has no type and no shape: these are its owner's to know. */
export type Address = number

/** A run that has been started. Whatever happens to it shows in `finish`. */
export interface StartedRun {
  /** Kept when the run is over; never rejected. */
  readonly ended: Promise<void>
  /** Waits for its end, then gives the addresses of the results. Once for each run. */
  readonly finish: () => Address[]
}

/**
 * A program that is ready to run on tensors.
 *
 * Arguments and captures are addresses of whole tensors, which stay the caller's. Results are new tensors, the caller's to free.
 * `replaced` are indices of captures that the program may update in place, because nothing else reads their memory: the result
 * that replaces such a capture has its address, unless a started run still reads it or it is given twice.
 *
 * @throws InputError for an index or a value that is out of range; BackendError for a tensor that is missing or too small, and where
 *   memory runs out
 */
export interface EngineProgram {
  readonly run: (args: readonly Address[], captures: readonly Address[], replaced?: readonly number[]) => Address[]
  /** The same off JavaScript's thread, where there are threads. The tensors may be freed as soon as it returns. */
  readonly start: (args: readonly Address[], captures: readonly Address[], replaced?: readonly number[]) => StartedRun
  /** Runs it for the times of its steps, in milliseconds. */
  readonly profile: (args: readonly Address[], captures: readonly Address[]) => number[]
  /** Frees the program; a run that was started comes to its end. Doing it twice is harmless. */
  readonly dispose: () => void
}

/** An engine with memory of its own. */
export interface EngineCore {
  /** Memory for a tensor, aligned to 64 bytes, not cleared. @throws BackendError if there is not so much */
  readonly allocate: (bytes: number) => Address
  /** @throws BackendError if no tensor lies there */
  readonly free: (address: Address) => void
  /**
   * The bytes of a tensor, to be read and written at once: take them anew after any other call, since the engine's memory may have
   * moved.
   */
  readonly bytes: (address: Address, length: number) => Uint8Array
  /** @throws BackendError if the program is wrong */
  readonly create: (program: EncodedProgram) => EngineProgram
  readonly memory: () => EngineCoreMemory
  readonly info: () => EngineInfo
  /** How many threads run a program from now on. */
  readonly setThreads: (count: number) => void
  /** Uses other kernels from `usable` from now on, for comparison. @throws BackendError if they do not run here */
  readonly setKernels: (name: string) => void
}
