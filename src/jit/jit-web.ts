import { loadWasmEngine } from '../backend/engine/load-wasm-engine.js'
import { engineGraphs } from './engine-graphs.js'
import { registerEngineBackend } from './kernels/register-backend.js'
import { jitted, type Jitted, type JittedOptions } from './jitted.js'
import type { Precision } from './precision.js'
import type { GraphEngine } from './record/recorded-function.js'

registerEngineBackend(loadWasmEngine, (line) => {
  console.info(line)
})

/** What `jit` makes of a function in a page: recordings run on this package's engine while its backend runs. */
export function makeJitted<Args extends readonly unknown[], Result>(
  fn: (...args: Args) => Result,
  { precision, ...options }: JittedOptions & { readonly precision: Precision },
): Jitted<Args, Result> {
  return jitted(fn, () => engineNow(precision), options)
}

let isReported = false

function engineNow(precision: Precision): GraphEngine | undefined {
  const engine = engineGraphs(precision)
  if (engine || isReported) return engine
  isReported = true
  console.info('siglip-tfjs: jit runs functions as they are: it needs the backend `siglip`. Choose it with useBackend')
  return undefined
}
