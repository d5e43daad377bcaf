/** The package's folder: above `dist/src/…` when it is built, above `src/…` when its sources run. */
const root = new URL(/\/dist\/src\/[^/]+\/[^/]+$/.test(import.meta.url) ? '../../../' : '../../', import.meta.url)

/** The checkpoint folder that the package brings, which runs where no model is named: a small model that knows emoji. */
export const defaultModel = (): URL => new URL('models/emoji/', root)

/** What is said when it runs. */
export const aboutDefaultModel =
  'No model given: the one that the package brings runs. It is small, and knows emoji, no photos.'
