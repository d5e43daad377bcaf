import { openFolder } from '#open-folder'
import { FileError, TokenizerError } from '../errors.js'
import type { CheckpointFolder } from '../hub/checkpoint-folder.js'
import { type AddedToken, addedToken } from './added-token.js'
import { asId } from './tokenizer-json/json-value.js'
import { openClipText } from './clean/open-clip-text.js'
import { parseTokenizerConfig, type TokenizerConfig } from './tokenizer-config.js'
import { addedTokensOf, readTokenizerJson } from './tokenizer-json/tokenizer-json.js'
import { parseJsonObject } from '../io/json.js'

/** The largest vocabularies in use have 35 MB. */
const MAX_FILE_BYTES = 2 ** 28

/** The folder of a path or URL, or the folder itself. */
export async function tokenizerFolder(folder: string | CheckpointFolder): Promise<CheckpointFolder> {
  return typeof folder === 'string' ? openFolder(folder) : folder
}

/**
 * One of the tokenizer's files.
 *
 * @throws TokenizerError if it is larger than any tokenizer's; FileError if it can't be read.
 */
export async function readTokenizerFile(folder: CheckpointFolder, name: string): Promise<Uint8Array> {
  const size = await folder.size(name)
  if (size > MAX_FILE_BYTES)
    throw new TokenizerError('This file is too large for a tokenizer', {
      expected: `at most ${MAX_FILE_BYTES} bytes`,
      found: `${size}`,
      where: `${folder.location}/${name}`,
    })
  return folder.bytes(name)
}

/**
 * `tokenizer_config.json`, if there is one, together with the files that older versions of transformers wrote beside it, under
 * the caller's own settings.
 */
export async function loadTokenizerConfig(
  folder: CheckpointFolder,
  overrides: TokenizerConfig,
): Promise<TokenizerConfig> {
  const read = async (name: string): Promise<TokenizerConfig> =>
    (await folder.has(name))
      ? parseTokenizerConfig(parseJsonObject(await readTokenizerFile(folder, name), name, TokenizerError), name)
      : {}
  const stored = await read('tokenizer_config.json')
  const config = withOpenClip(stored, await openClipText(folder, readTokenizerFile))
  const special = config.addedTokens ? {} : await read('special_tokens_map.json')
  const merged: TokenizerConfig = {
    ...config,
    ...overrides,
    extraSpecialTokens: overrides.extraSpecialTokens ?? special.extraSpecialTokens ?? config.extraSpecialTokens,
    specialTokenFlags: new Map([
      ...(config.specialTokenFlags ?? []),
      ...(special.specialTokenFlags ?? []),
      ...(overrides.specialTokenFlags ?? []),
    ]),
    specialTokens: { ...config.specialTokens, ...special.specialTokens, ...overrides.specialTokens },
  }
  if (merged.addedTokens) return merged
  const listed = await listedTokens(folder, merged)
  const isSecond = listed.length > 0 || (await folder.has('spiece.model'))
  const addedTokens = isSecond ? [...listed, ...(await tokensOfJson(folder))] : []
  return addedTokens.length > 0 ? { ...merged, addedTokens: new Map(addedTokens) } : merged
}

/** A folder's own settings under those that open_clip gives its tokenizer. */
function withOpenClip(config: TokenizerConfig, openClip: TokenizerConfig | undefined): TokenizerConfig {
  if (!openClip) return config
  const given = Object.entries(openClip).filter(([, value]) => value !== undefined)
  return {
    ...config,
    ...Object.fromEntries(given),
    specialTokens: { ...config.specialTokens, ...openClip.specialTokens },
    specialTokenFlags: new Map([...(config.specialTokenFlags ?? []), ...(openClip.specialTokenFlags ?? [])]),
    other: { ...config.other, ...openClip.other },
  }
}

/** The added tokens of `added_tokens.json`. */
async function listedTokens(folder: CheckpointFolder, config: TokenizerConfig): Promise<[number, AddedToken][]> {
  const name = 'added_tokens.json'
  if (!(await folder.has(name))) return []
  const isSpecial = new Set([...Object.values(config.specialTokens ?? {}), ...(config.extraSpecialTokens ?? [])])
  const ids = Object.entries(parseJsonObject(await readTokenizerFile(folder, name), name, TokenizerError))
  return ids.map(([content, id]) => [
    asId(id, `${content} of ${name}`),
    addedToken({ content, special: isSpecial.has(content) }),
  ])
}

/** The added tokens of `tokenizer.json`. */
async function tokensOfJson(folder: CheckpointFolder): Promise<readonly (readonly [number, AddedToken])[]> {
  const name = 'tokenizer.json'
  if (!(await folder.has(name))) return []
  return addedTokensOf(readTokenizerJson(await readTokenizerFile(folder, name)).head)
}

/** The error for a folder that holds none of the files a tokenizer can be made of. */
export function noTokenizerFile(folder: CheckpointFolder, expected: string): FileError {
  return new FileError('The folder has no tokenizer', {
    expected,
    found: 'none of them',
    where: folder.location,
    hint: 'Fetch the tokenizer files of the checkpoint as well.',
  })
}
