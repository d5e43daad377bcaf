import { fileURLToPath } from 'node:url'
import { type Command, Option } from 'commander'
import { aboutDefaultModel, defaultModel } from '../pipelines/default-model.js'
import type { BackendPreference } from '../backend/backend-report.js'
import { PRECISIONS, type Precision } from '../jit/precision.js'
import { oneOf, threadCount } from './option-values.js'
import type { Session } from './session.js'

const BACKENDS = ['auto', 'native', 'wasm', 'siglip', 'cpu'] as const satisfies readonly BackendPreference[]

/** The options of commands that run a model. */
export interface ModelOptions {
  readonly model?: string
  readonly revision?: string
  readonly backend: BackendPreference
  readonly precision: Precision
  readonly jit: boolean
  readonly threads?: number
}

/** Where the checkpoint is. */
export const modelOption = (): Option =>
  new Option('--model <dir>', 'the checkpoint: a folder, a URL, or a name on the Hugging Face Hub').env('SIGLIP_MODEL')

/** Which version of a model on the hub. */
export const revisionOption = (): Option =>
  new Option('--revision <name>', 'of a model on the hub: a branch, a tag or a commit; same as owner/name@revision')

/** What computes. */
export const backendOption = (): Option =>
  new Option('--backend <name>', `compute backend: ${BACKENDS.join(', ')}`)
    .argParser(oneOf(BACKENDS))
    .default('auto')
    .env('SIGLIP_BACKEND')

/** What matrices are multiplied in. */
export const precisionOption = (): Option =>
  new Option(
    '--precision <type>',
    `matrix-multiplication precision: ${PRECISIONS.join(', ')} (auto: the faster on this machine)`,
  )
    .argParser(oneOf(PRECISIONS))
    .default('float32')

/** Whether the model is recorded and fused. */
const jitOption = (): Option => new Option('--no-jit', 'run the model operation by operation')

/** How many threads compute. */
export const threadsOption = (): Option =>
  new Option('--threads <n>', 'compute threads (default: one per core)').argParser(threadCount).env('SIGLIP_THREADS')

/** Adds the options of commands that run a model. */
export function addModelOptions(command: Command): Command {
  return command
    .addOption(modelOption())
    .addOption(revisionOption())
    .addOption(backendOption())
    .addOption(precisionOption())
    .addOption(jitOption())
    .addOption(threadsOption())
}

/** To be called before a backend starts. */
export function limitThreads({ threads }: { readonly threads?: number | undefined }): void {
  if (threads !== undefined) process.env['SIGLIP_THREADS'] = String(threads)
}

/** The given checkpoint, else the bundled one, which is reported. */
export function modelFolder({ model }: Pick<ModelOptions, 'model'>, session: Session): string {
  if (model) return model
  session.say(`${aboutDefaultModel} Give another by --model or SIGLIP_MODEL.`)
  return fileURLToPath(defaultModel())
}
