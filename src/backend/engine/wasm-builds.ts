/** The builds of the engine for WebAssembly, the fastest first: `engines/engine-NAME.wasm`. */
export const WASM_BUILDS = ['relaxed-simd', 'simd'] as const
export type WasmBuild = (typeof WASM_BUILDS)[number]
