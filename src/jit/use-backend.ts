/**
 * `useBackend` with every backend it can start: the kernels of `siglip` are this room's, and importing them registers it.
 *
 * @module
 */
import '#jit'

export { useBackend } from '#backend'
