import { useBackend } from '../src/runtime/backend-node.js'
import { findNativeFolder } from '../src/runtime/native-folder.js'

/** The backends of Node that must give the reference's numbers. */
export const backends = ['native', 'wasm'] as const

/**
 * Describes a suite once per backend, with that backend running. The native one is left out, loudly, only where it was not
 * built.
 */
export function onEachBackend(suite: (name: (typeof backends)[number]) => void): void {
  describe.each(backends)('on %s', (name) => {
    const folder = name === 'native' ? findNativeFolder() : undefined
    if (folder && 'missing' in folder) {
      process.stderr.write(`NOT TESTED on the native backend: ${folder.missing}. Run \`npm run setup\`.\n`)
      it.skip(`native backend: ${folder.missing}`, () => undefined)
      return
    }
    beforeAll(async () => {
      await useBackend(name, { quiet: true })
    })
    suite(name)
  })
}
