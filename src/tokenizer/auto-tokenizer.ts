import { TokenizerError } from '../errors.js'
import type { CheckpointFolder } from '../hub/checkpoint-folder.js'
import { parseJsonObject } from './json-value.js'
import { readTokenizerFile, tokenizerFolder } from './load-tokenizer-files.js'
import type { PreTrainedTokenizer } from './pretrained-tokenizer.js'
import { Siglip2Tokenizer } from './siglip2-tokenizer.js'
import { SiglipTokenizer } from './siglip-tokenizer.js'
import { readTokenizerJson } from './tokenizer-json.js'
import type { TokenizerConfig } from './tokenizer-config.js'

type TokenizerClass = typeof SiglipTokenizer | typeof Siglip2Tokenizer

/**
 * Which class reads the tokenizers that are saved under a name, with or without `Fast` at its end; SigLIP 2 was first published
 * with Gemma's.
 */
const CLASSES: Readonly<Record<string, TokenizerClass>> = {
  SiglipTokenizer,
  Siglip2Tokenizer,
  GemmaTokenizer: Siglip2Tokenizer,
}

/** Loads whatever tokenizer a checkpoint folder holds. */
export class AutoTokenizer {
  /**
   * Picks the class by `tokenizer_class` of `tokenizer_config.json`, or else by the files: `spiece.model` makes a SigLIP tokenizer,
   * a `tokenizer.json` with byte-pair encoding one of SigLIP 2.
   *
   * @param folder a path or URL, or a folder opened before.
   * @param overrides take precedence over `tokenizer_config.json`.
   * @throws FileError if the folder holds no tokenizer; TokenizerError if it holds a damaged one, or one of another model.
   */
  static async fromPretrained(
    folder: string | CheckpointFolder,
    overrides: TokenizerConfig = {},
  ): Promise<PreTrainedTokenizer> {
    const files = await tokenizerFolder(folder)
    const tokenizerClass = (await classByConfig(files)) ?? (await classByFiles(files))
    return tokenizerClass.fromPretrained(files, overrides)
  }
}

async function classByConfig(folder: CheckpointFolder): Promise<TokenizerClass | undefined> {
  const file = 'tokenizer_config.json'
  if (!(await folder.has(file))) return undefined
  const name = parseJsonObject(await readTokenizerFile(folder, file), file).tokenizer_class
  // Generic names, such as PreTrainedTokenizerFast, say nothing about the model.
  if (typeof name !== 'string' || /^(PreTrainedTokenizer|TokenizersBackend)/.test(name)) return undefined
  const known = name.replace(/Fast$/, '')
  const found = Object.hasOwn(CLASSES, known) ? CLASSES[known] : undefined
  if (found) return found
  throw new TokenizerError('This is the tokenizer of another model', {
    expected: Object.keys(CLASSES).join(', '),
    found: name,
    where: `tokenizer_class of ${folder.location}/${file}`,
    hint: 'Load the checkpoint of a SigLIP or SigLIP 2 model; if this is one, SiglipTokenizer or Siglip2Tokenizer reads it.',
  })
}

async function classByFiles(folder: CheckpointFolder): Promise<TokenizerClass> {
  if ((await folder.has('spiece.model')) || !(await folder.has('tokenizer.json'))) return SiglipTokenizer
  const { lists } = readTokenizerJson(await readTokenizerFile(folder, 'tokenizer.json'))
  return lists ? Siglip2Tokenizer : SiglipTokenizer
}
