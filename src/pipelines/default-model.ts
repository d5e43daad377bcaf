/** The package's folder: above `dist/src/…` when it is built, above `src/…` when its sources run. */
const root = new URL(/\/dist\/src\/[^/]+\/[^/]+$/.test(import.meta.url) ? '../../../' : '../../', import.meta.url)

/** The checkpoint folder that the package brings, which runs where no model is named. */
export const defaultModel = (): URL => new URL('models/siglip-tiny/', root)

/** What is said when it runs. */
export const aboutDefaultModel =
  'No model given: the embedded one runs, a tiny one with random weights, whose answers mean nothing.'
