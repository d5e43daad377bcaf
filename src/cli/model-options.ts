import { fileURLToPath } from 'node:url'
import { Option } from 'commander'
import { aboutDefaultModel, defaultModel } from '../pipelines/default-model.js'
import type { BackendPreference } from '../runtime/backend-report.js'
import { oneOf } from './option-values.js'
import type { Session } from './session.js'

const BACKENDS = ['auto', 'native', 'wasm', 'cpu'] as const satisfies readonly BackendPreference[]

/** The options of commands that run a model. */
export interface ModelOptions {
  readonly model?: string
  readonly backend: BackendPreference
}

/** Where the checkpoint is. */
export const modelOption = (): Option =>
  new Option('--model <dir>', 'the checkpoint: a folder, a URL, or a name on the Hugging Face Hub').env('SIGLIP_MODEL')

/** What computes. */
export const backendOption = (): Option =>
  new Option('--backend <name>', `what computes: ${BACKENDS.join(', ')}`).argParser(oneOf(BACKENDS)).default('auto')

/** The checkpoint that was given, else the one that the package brings; which is said. */
export function modelFolder({ model }: Pick<ModelOptions, 'model'>, session: Session): string {
  if (model) return model
  session.say(`${aboutDefaultModel} Give another by --model or SIGLIP_MODEL.`)
  return fileURLToPath(defaultModel())
}
