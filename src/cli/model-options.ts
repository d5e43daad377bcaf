import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Option } from 'commander'
import { UsageError } from '../errors.js'
import type { BackendPreference } from '../runtime/backend-report.js'
import { oneOf } from './option-values.js'

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

/** The folder that was given, else the model that the package brings. @throws {UsageError} if there is neither */
export function modelFolder({ model }: Pick<ModelOptions, 'model'>): string {
  if (model) return model
  const ownModel = fileURLToPath(new URL('../../../models/default', import.meta.url))
  if (existsSync(ownModel)) return ownModel
  throw new UsageError('No model given', { hint: 'Give a checkpoint folder by --model DIR or SIGLIP_MODEL.' })
}
