/**
 * Builds the native backend if it is missing and says which backend runs. Without a compiler or a network the tests and
 * the demo run on WebAssembly, so a failure is told, not fatal.
 */
/* global AbortController */
import process from 'node:process'

import { useBackend } from '../dist/src/backend/backend-node.js'
import { progressPrinter } from '../dist/src/setup/setup-progress.js'
import { setup } from '../dist/src/setup/setup.js'

const stop = new AbortController()
process.once('SIGINT', () => stop.abort())
const { onProgress, end } = progressPrinter(process.stderr)
try {
  await setup({ onProgress, signal: stop.signal })
} catch (error) {
  end()
  process.stderr.write(`${error.message}\n`)
  if (stop.signal.aborted) process.exit(1)
} finally {
  end()
}
await useBackend()
