import type { Command } from 'commander'
import { ConfigError } from '../../errors.js'
import { isObject } from '../../io/is-object.js'
import type { CheckpointFolder } from '../../hub/checkpoint-folder.js'
import { modelFolder, modelOption, revisionOption, type ModelOptions } from '../model-options.js'
import { openCheckpoint } from '../open-checkpoint.js'
import { count } from '../option-values.js'
import { jsonLine, printable } from '../printable.js'
import type { Session } from '../session.js'

interface Options extends Pick<ModelOptions, 'model' | 'revision'> {
  readonly maxLength?: number
  readonly padding: boolean
  readonly json?: true
}

/** `siglip tokenize`: texts as tokens and ids. */
export function addTokenize(program: Command, session: Session): void {
  program
    .command('tokenize')
    .description('Prints the tokens and ids of texts. A folder with only tokenizer files is enough.')
    .argument('<text...>')
    .addOption(modelOption())
    .addOption(revisionOption())
    .option('--max-length <n>', 'truncate and pad to n (default: the model’s maximum)', count)
    .option('--no-padding', 'truncate, don’t pad')
    .option('--json', 'one JSON object per line')
    .addHelpText('after', '\nExample:\n  $ siglip tokenize "a photo of a cat" --model DIR --no-padding')
    .action((texts: readonly string[], options: Options) => tokenize(texts, options, session))
}

async function tokenize(texts: readonly string[], options: Options, session: Session): Promise<void> {
  const { AutoTokenizer } = await import('../../tokenizer/auto-tokenizer.js')
  const folder = await openCheckpoint(modelFolder(options, session), options, session)
  const tokenizer = await AutoTokenizer.fromPretrained(folder)
  const maxLength = options.maxLength ?? (await textPositions(folder))
  const padding = options.padding ? 'max_length' : false
  for (const text of texts) {
    const tokens = tokenizer.tokenize(text)
    const ids = tokenizer.encode(text, { maxLength, padding, truncation: true })
    process.stdout.write(options.json ? `${jsonLine({ text, tokens, ids })}\n` : table(text, tokens, ids))
  }
}

function table(text: string, tokens: readonly string[], ids: readonly number[]): string {
  return [printable(text), `  tokens  ${tokens.map(printable).join(' ')}`, `  ids     ${ids.join(' ')}`, ''].join('\n')
}

/** Maximum number of tokens of the folder's model; undefined if it holds only a tokenizer, which then decides. */
async function textPositions(folder: CheckpointFolder): Promise<number | undefined> {
  if (!(await folder.has('config.json'))) return undefined
  const { readConfig } = await import('../../models/loading/pretrained-config.js') // the configuration's class would load tfjs
  const config: object = await readConfig(folder)
  const text = 'text_config' in config && isObject(config.text_config) ? config.text_config : config
  const positions = 'max_position_embeddings' in text ? text.max_position_embeddings : 64 // transformers' default
  if (typeof positions === 'number' && Number.isSafeInteger(positions) && positions > 0) return positions
  throw new ConfigError('max_position_embeddings is not a number of tokens', {
    expected: 'a whole number from 1',
    found: JSON.stringify(positions),
    where: `${folder.location}/config.json`,
  })
}
