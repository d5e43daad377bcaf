import * as tf from '@tensorflow/tfjs'

import { currentBackend } from '../backend/backend-node.js'
import { NATIVE } from '../backend/backend-report.js'
import { loadWasmEngine } from '../backend/engine/load-wasm-engine.js'
import { notify } from '../backend/notify-node.js'
import { compile } from './compile.js'
import { engineGraphs } from './engine-graphs.js'
import { registerEngineBackend } from './kernels/register-backend.js'
import { loadEngine } from './program/engine.js'
import { jitted, type Jitted, type JittedOptions } from './jitted.js'
import { type Precision, precisionOn } from './precision.js'
import type { GraphEngine } from './record/recorded-function.js'

registerEngineBackend(loadWasmEngine, notify)

/** What `jit` makes of a function in Node: recordings run on the engine while the native backend runs, if it has one. */
export function makeJitted<Args extends readonly unknown[], Result>(
  fn: (...args: Args) => Result,
  { precision, ...options }: JittedOptions & { readonly precision: Precision },
): Jitted<Args, Result> {
  return jitted(fn, () => engineNow(precision), options)
}

type NoEngine = { readonly missing: string }

const engines = new Map<Precision, GraphEngine | NoEngine>()
let isReported = false

function engineNow(precision: Precision): GraphEngine | undefined {
  const own = engineGraphs(precision)
  if (own) return own
  const engine = tf.getBackend() === NATIVE ? knownEngine(precision) : otherBackend()
  if (!('missing' in engine)) return engine
  if (!isReported) notify(`siglip-tfjs: jit runs functions as they are: ${engine.missing}`)
  isReported = true
  return undefined
}

function otherBackend(): NoEngine {
  const report = currentBackend()
  const hint = report?.hint ?? 'Choose it with useBackend'
  return { missing: `it needs the native backend, and ${report?.name ?? 'another'} runs. ${hint}` }
}

function knownEngine(precision: Precision): GraphEngine | NoEngine {
  const known = engines.get(precision)
  if (known) return known
  const made = startEngine(precision)
  engines.set(precision, made)
  return made
}

function startEngine(precision: Precision): GraphEngine | NoEngine {
  const engine = loadEngine()
  if ('missing' in engine) return engine
  const taken = precisionOn(engine.bfloat16, precision)
  return {
    host: engine.host,
    compile: (graph, variables) => engine.compile(compile(graph, { precision: taken, variables })),
  }
}
