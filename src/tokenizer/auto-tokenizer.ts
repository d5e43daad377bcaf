import { TokenizerError } from '../errors.js'
import type { CheckpointFolder } from '../hub/checkpoint-folder.js'
import { OPEN_CLIP_CONFIG } from '../hub/model-files.js'
import { CLEANING } from './clean/cleaning-backend.js'
import { loadTokenizerConfig, noTokenizerFile, readTokenizerFile, tokenizerFolder } from './load-tokenizer-files.js'
import { openClipText } from './clean/open-clip-text.js'
import type { PreTrainedTokenizer } from './pretrained-tokenizer.js'
import { Siglip2Tokenizer } from './siglip2-tokenizer.js'
import { SiglipTokenizer } from './siglip-tokenizer.js'
import { readTokenizerJson } from './tokenizer-json/tokenizer-json.js'
import type { TokenizerConfig } from './tokenizer-config.js'
import { parseJsonObject } from '../io/json.js'

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
    const openClip = await openClipText(files, readTokenizerFile)
    const name = await nameByConfig(files)
    if (openClip && name === 'T5Tokenizer') return t5Tokenizer(files, overrides)
    const tokenizerClass = classByConfig(files, name) ?? (await classByFiles(files))
    const lowers = tokenizerClass === Siglip2Tokenizer && name !== 'Siglip2Tokenizer'
    if (openClip?.other?.[CLEANING] === 'whitespace' && lowers) throw keepsCase(files)
    return tokenizerClass.fromPretrained(files, overrides)
  }
}

const CONFIG = 'tokenizer_config.json'

/** The class that a folder names, without `Fast`. Generic names, such as PreTrainedTokenizerFast, say nothing about the model. */
async function nameByConfig(folder: CheckpointFolder): Promise<string | undefined> {
  if (!(await folder.has(CONFIG))) return undefined
  const name = parseJsonObject(await readTokenizerFile(folder, CONFIG), CONFIG, TokenizerError).tokenizer_class
  return typeof name !== 'string' || /^(PreTrainedTokenizer|TokenizersBackend)/.test(name)
    ? undefined
    : name.replace(/Fast$/, '')
}

/** open_clip has SigLIP's vocabulary under T5's class, which doesn't canonicalize: `tokenizer.json` says all that it does. */
async function t5Tokenizer(folder: CheckpointFolder, overrides: TokenizerConfig): Promise<SiglipTokenizer> {
  if (!(await folder.has('tokenizer.json'))) throw noTokenizerFile(folder, 'tokenizer.json')
  const config = await loadTokenizerConfig(folder, overrides)
  const specialTokens = { pad: '<pad>', ...config.specialTokens }
  return SiglipTokenizer.fromTokenizerJson(await readTokenizerFile(folder, 'tokenizer.json'), {
    ...config,
    specialTokens,
  })
}

/** SigLIP 2's class, which reads Gemma's files, lowers the case. */
const keepsCase = ({ location }: CheckpointFolder): TokenizerError =>
  new TokenizerError('Gemma’s tokenizer without lower case is not supported', {
    expected: 'clean: canonicalize or lower',
    found: 'whitespace',
    where: `tokenizer_kwargs of ${location}/${OPEN_CLIP_CONFIG}`,
  })

function classByConfig(folder: CheckpointFolder, name: string | undefined): TokenizerClass | undefined {
  if (name === undefined) return undefined
  const found = Object.hasOwn(CLASSES, name) ? CLASSES[name] : undefined
  if (found) return found
  throw new TokenizerError('This is the tokenizer of another model', {
    expected: Object.keys(CLASSES).join(', '),
    found: name,
    where: `tokenizer_class of ${folder.location}/${CONFIG}`,
    hint: 'Load the checkpoint of a SigLIP or SigLIP 2 model; if this is one, SiglipTokenizer or Siglip2Tokenizer reads it.',
  })
}

async function classByFiles(folder: CheckpointFolder): Promise<TokenizerClass> {
  if ((await folder.has('spiece.model')) || !(await folder.has('tokenizer.json'))) return SiglipTokenizer
  const { lists } = readTokenizerJson(await readTokenizerFile(folder, 'tokenizer.json'))
  return lists ? Siglip2Tokenizer : SiglipTokenizer
}
