import type { EngineCore } from './engine-core.js'
import { createWasmEngine } from './wasm-engine.js'
import { loadWasmModule } from './wasm-module.js'

/** The engine on WebAssembly. @throws BackendError if its file is missing or does not run here */
export const loadWasmEngine = async (): Promise<EngineCore> => createWasmEngine(await loadWasmModule())
