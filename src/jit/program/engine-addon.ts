import type { EncodedProgram, EngineInfo, EngineMemory } from '../../backend/engine/engine-core.js'
import type { NativeTensor } from '../record/native-backend.js'
import type { ShapeInference } from '../record/shape-inference.js'

/** A program inside the addon. */
declare const nativeProgram: unique symbol
export interface NativeProgram {
  readonly [nativeProgram]: true
}

/** A run inside the addon. */
declare const nativeRun: unique symbol
export interface NativeRun {
  readonly [nativeRun]: true
}

/** How a program is run. */
export type Run<Result> = (
  program: NativeProgram,
  args: readonly number[],
  captures: readonly number[],
  /** Places of captures whose memory may be written; a result that is in one is null. */
  replaced: readonly number[],
) => Result

/** The addon (native/napi/addon.cc). Arguments and captures are tfjs-node's numbers of tensors. */
export interface EngineAddon {
  /** The lists of native/program/ops.def, to be compared with `tables`. */
  readonly tables: { readonly limits: { readonly encoding: number } }
  readonly ShapeGraph: new () => ShapeInference
  readonly attach: (tensorHandles: object, threads: number) => void
  readonly create: (
    words: EncodedProgram['words'],
    constants: EncodedProgram['constants'],
    texts: EncodedProgram['texts'],
  ) => NativeProgram
  readonly run: Run<(NativeTensor | null)[]>
  /** Off JavaScript's thread; `ended` never rejects. */
  readonly start: Run<{ readonly run: NativeRun; readonly ended: Promise<void> }>
  /** Waits for the end of what was started. Once for each run. */
  readonly finish: (run: NativeRun) => (NativeTensor | null)[]
  readonly profile: Run<number[]>
  readonly dispose: (program: NativeProgram) => void
  readonly memory: () => EngineMemory
  readonly info: () => EngineInfo
  readonly setThreads: (count: number) => void
  readonly setKernels: (name: string) => void
  readonly alignedBuffer: (bytes: number) => ArrayBuffer
}

export function isEngineAddon(value: unknown): value is EngineAddon {
  if (typeof value !== 'object' || value === null) return false
  return ['tables', 'ShapeGraph', 'attach', 'create', 'start', 'alignedBuffer'].every((name) => name in value)
}
