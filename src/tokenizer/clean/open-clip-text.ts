import { TokenizerError } from '../../errors.js'
import type { CheckpointFolder } from '../../hub/checkpoint-folder.js'
import { OPEN_CLIP_CONFIG } from '../../hub/model-files.js'
import { isObject } from '../../io/is-object.js'
import { CLEANINGS } from './clean-text.js'
import { CLEANING } from './cleaning-backend.js'
import { mismatch } from '../tokenizer-json/json-value.js'
import { parseTokenizerConfig, type TokenizerConfig } from '../tokenizer-config.js'
import { type JsonObject, parseJsonObject } from '../../io/json.js'

/** open_clip's `DEFAULT_CONTEXT_LENGTH`. */
const CONTEXT_LENGTH = 77

/** Options of a tokenizer that say how it is fetched or stored, and nothing about its ids. */
const IDLE = new Set(['use_fast', 'trust_remote_code', 'revision', 'cache_dir', 'token', 'local_files_only'])

/** The part of a folder that is read: `bytes` with the limit of tokenizer files. */
type ReadFile = (folder: CheckpointFolder, name: string) => Promise<Uint8Array>

/**
 * How open_clip tokenizes in one of its folders: its cleaning, its text length, and the options it gives the tokenizer. Undefined for
 * a folder of transformers.
 *
 * Source: `get_tokenizer` of open_clip's `factory.py`, `HFTokenizer` of its `tokenizer.py`.
 *
 * @throws TokenizerError naming what is not supported here
 */
export async function openClipText(folder: CheckpointFolder, read: ReadFile): Promise<TokenizerConfig | undefined> {
  if (!(await folder.has(OPEN_CLIP_CONFIG)) || (await folder.has('config.json'))) return undefined
  const { model_cfg: model } = parseJsonObject(await read(folder, OPEN_CLIP_CONFIG), OPEN_CLIP_CONFIG, TokenizerError)
  const text = isObject(model) ? model['text_cfg'] : undefined
  if (!isObject(text)) return undefined
  const { context_length: length = CONTEXT_LENGTH, hf_tokenizer_name: name, tokenizer_mode: mode } = text
  if (typeof name !== 'string' || name === '') throw untold('hf_tokenizer_name', name, 'the tokenizer in the folder')
  if (mode) throw untold('tokenizer_mode', mode, 'none')
  if (typeof length !== 'number' || !Number.isInteger(length) || length < 1)
    throw mismatch('a number of tokens', length, `context_length of ${OPEN_CLIP_CONFIG}`)
  const { clean = 'whitespace', strip_sep_token: strip, language, ...options } = optionsOf(text['tokenizer_kwargs'])
  if (!CLEANINGS.some((each) => each === clean)) throw untold('clean', clean, CLEANINGS.join(', '))
  if (strip) throw untold('strip_sep_token', strip, 'false')
  if (language !== undefined && language !== null) throw untold('language', language, 'none')
  const where = `tokenizer_kwargs of ${OPEN_CLIP_CONFIG}`
  const { other = {}, ...config } = parseTokenizerConfig(options, where)
  const [unknown] = Object.entries(other).filter(([key]) => !IDLE.has(key))
  if (unknown) throw untold(unknown[0], unknown[1], 'an option of SigLIP’s tokenizers')
  return { ...config, modelMaxLength: length, other: { [CLEANING]: clean } }
}

const optionsOf = (value: unknown): JsonObject => {
  if (value === undefined || value === null) return {}
  if (isObject(value)) return value
  throw mismatch('an object', value, `tokenizer_kwargs of ${OPEN_CLIP_CONFIG}`)
}

function untold(key: string, found: unknown, expected: string): TokenizerError {
  return new TokenizerError('This open_clip model tokenizes in a way that is not supported', {
    expected: `${key}: ${expected}`,
    found: JSON.stringify(found),
    where: OPEN_CLIP_CONFIG,
  })
}
