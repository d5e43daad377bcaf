/** The package's folder: above `dist/src/…` when it is built, above `src/…` when its sources run. */
const root = new URL(/\/dist\/src\/[^/]+\/[^/]+$/.test(import.meta.url) ? '../../../' : '../../', import.meta.url)

/** The folder of the bundled checkpoint, the default model: a small one for emoji. */
export const defaultModel = (): URL => new URL('models/emoji/', root)

/** The line that is printed when the default model is used. */
export const aboutDefaultModel = 'No model given; using the bundled one, a small model for emoji, not photos.'
