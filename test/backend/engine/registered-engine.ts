import { registerEngineBackend } from '../../../src/jit/kernels/register-backend.js'
import { interpretedEngine } from './interpreted-engine.js'

/** Registers tfjs's backend `siglip`, as this package's entry does. */
export function registerEngine(): void {
  registerEngineBackend(
    () => Promise.resolve(interpretedEngine()),
    () => undefined,
    0,
  )
}
