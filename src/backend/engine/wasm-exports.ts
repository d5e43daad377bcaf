import { BackendError } from '../../errors.js'

/** What native/wasm/face.cc exports. Addresses come as signed numbers; 0 and nothing mean that a failure was reported. */
export interface WasmExports {
  readonly memory: WebAssembly.Memory
  /** The C++ library's; once, before anything else. */
  readonly _initialize: () => void
  readonly allocate: (bytes: number) => number
  readonly free: (address: number) => number
  /** Memory for a call's arguments, until the next one asks for it; 0 bytes: gives it back. */
  readonly scratch: (bytes: number) => number
  /** Addresses and lengths of the words, constants and texts. */
  readonly create: (
    words: number,
    wordCount: number,
    constants: number,
    constantCount: number,
    texts: number,
    textCount: number,
  ) => number
  readonly dispose: (program: number) => void
  readonly resultCount: (program: number) => number
  readonly stepCount: (program: number) => number
  readonly run: (call: number, results: number) => number
  readonly profile: (call: number, milliseconds: number) => number
  readonly arenaBytes: () => number
  readonly packedBytes: () => number
  readonly tensorBytes: () => number
  readonly tensorCount: () => number
  /** Texts of JSON that end with 0. */
  readonly info: () => number
  readonly tables: () => number
  readonly setThreads: (count: number) => number
  readonly setKernels: (name: number, length: number) => number
}

const FUNCTIONS = [
  ...['_initialize', 'allocate', 'free', 'scratch', 'create', 'dispose', 'resultCount', 'stepCount', 'run', 'profile'],
  ...['arenaBytes', 'packedBytes', 'tensorBytes', 'tensorCount', 'info', 'tables', 'setThreads', 'setKernels'],
] as const

function isWasmExports(exports: object): exports is WasmExports {
  const found = new Map<string, unknown>(Object.entries(exports))
  return (
    found.get('memory') instanceof WebAssembly.Memory &&
    FUNCTIONS.every((name) => typeof found.get(name) === 'function')
  )
}

/** @throws BackendError if this is another module than the engine's */
export function wasmExports(instance: WebAssembly.Instance): WasmExports {
  const { exports } = instance
  if (isWasmExports(exports)) return exports
  throw new BackendError('The engine for WebAssembly is of another version than this package', {
    found: Object.keys(exports).join(', '),
    hint: 'Rebuild it: `npm run build:engines`.',
  })
}
