/** The backends this package knows how to start. Not an order: that is the list of candidates in backend-node.ts and backend-web.ts. */
export const BACKEND_NAMES = ['native', 'webgpu', 'webgl', 'wasm', 'siglip', 'cpu'] as const

/** `native` is TensorFlow's C library in Node; `wasm` tfjs's WebAssembly; `siglip` this package's own engine; `cpu` plain JavaScript, by far the slowest. */
export type BackendName = (typeof BACKEND_NAMES)[number]

/** tfjs' own name of the native backend. */
export const NATIVE = 'tensorflow'

/** What to start: a backend by its name, or `auto`, the fastest that can run here. */
export type BackendPreference = 'auto' | BackendName

/** Which backend runs, and why. */
export interface BackendReport {
  /** `other` is a backend that the program has set itself and this package does not know. */
  readonly name: BackendName | 'other'
  /** tfjs' own name of it, e.g. `"tensorflow"`. */
  readonly tfBackend: string
  /** The version of what computes: TensorFlow's for `native`, else tfjs'. */
  readonly version: string
  /** Why this one, e.g. `"the native backend is not built yet"`. */
  readonly reason: string
  /** How to get a faster one, if there may be one. */
  readonly hint?: string
}

/** Options of `useBackend`. */
export interface BackendOptions {
  /** Prints nothing to stderr. Default: false, or true if the environment has `SIGLIP_QUIET=1`. */
  readonly quiet?: boolean
}

const TITLES: Readonly<Record<BackendReport['name'], string>> = {
  native: 'TensorFlow (native)',
  webgpu: 'WebGPU',
  webgl: 'WebGL',
  wasm: 'WebAssembly',
  siglip: 'its own engine',
  cpu: 'plain JavaScript',
  other: 'a backend of its own',
}

/** The one line that says which backend runs, why, and how to get a faster one. */
export function describeBackend({ name, version, reason, hint }: BackendReport): string {
  return `siglip-tfjs runs on ${TITLES[name]} ${version}: ${reason}${hint === undefined ? '' : `. ${hint}`}`
}
