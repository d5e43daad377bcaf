import type { CheckpointFolder } from '../hub/checkpoint-folder.js'
import { JsonBackend } from './tokenizer-json/json-backend.js'
import { asObject } from './tokenizer-json/json-value.js'
import { loadTokenizerConfig, noTokenizerFile, readTokenizerFile, tokenizerFolder } from './load-tokenizer-files.js'
import { PreTrainedTokenizer } from './pretrained-tokenizer.js'
import { SpecialTokens } from './special-tokens.js'
import { addedTokensOf, configOf, readTokenizerJson } from './tokenizer-json/tokenizer-json.js'
import { type TokenizerConfig, UNLIMITED } from './tokenizer-config.js'

/** The class's replacement of the file's pipeline, as in the reference: lower-casing, then Gemma's pipeline. */
const PIPELINE = {
  normalizer: {
    type: 'Sequence',
    normalizers: [{ type: 'Lowercase' }, { type: 'Replace', pattern: { String: ' ' }, content: '\u2581' }],
  },
  pre_tokenizer: { type: 'Split', pattern: { String: ' ' }, behavior: 'MergedWithPrevious', invert: false },
  decoder: {
    type: 'Sequence',
    decoders: [
      { type: 'Replace', pattern: { String: '\u2581' }, content: ' ' },
      { type: 'ByteFallback' },
      { type: 'Fuse' },
    ],
  },
}

/**
 * SigLIP 2's tokenizer: Gemma's byte-pair encoding of lower-cased text, `<eos>` at the end, padding on the left unless the
 * checkpoint says otherwise.
 *
 * Source: `Siglip2Tokenizer` of transformers' `tokenization_siglip2.py`.
 *
 * @example
 *     const tokenizer = await Siglip2Tokenizer.fromPretrained('models/siglip2-base-patch16-naflex')
 *     tokenizer.call('a photo of a cat', { padding: 'max_length', truncation: true, maxLength: 64 }).inputIds.shape // [1, 64]
 */
export class Siglip2Tokenizer extends PreTrainedTokenizer {
  private constructor(backend: JsonBackend, specialTokens: SpecialTokens, config: TokenizerConfig) {
    super(backend, specialTokens, config, {
      className: 'Siglip2Tokenizer',
      modelMaxLength: maxLenOf(config) ?? UNLIMITED,
      paddingSide: 'left',
      modelInputNames: ['input_ids', 'attention_mask'],
    })
  }

  /**
   * Loads a tokenizer from a folder with `tokenizer.json` and, if it is there, `tokenizer_config.json`.
   *
   * @param folder a path or URL, or a folder opened before.
   * @param overrides take precedence over `tokenizer_config.json`.
   * @throws FileError if `tokenizer.json` is missing; TokenizerError if it is damaged.
   */
  static async fromPretrained(
    folder: string | CheckpointFolder,
    overrides: TokenizerConfig = {},
  ): Promise<Siglip2Tokenizer> {
    const files = await tokenizerFolder(folder)
    if (!(await files.has('tokenizer.json'))) throw noTokenizerFile(files, 'tokenizer.json')
    const config = await loadTokenizerConfig(files, overrides)
    return this.fromTokenizerJson(await readTokenizerFile(files, 'tokenizer.json'), config)
  }

  /**
   * Makes a tokenizer of the bytes of `tokenizer.json`: of its model, added tokens and post-processor; the rest is the class's.
   *
   * @throws TokenizerError naming what is damaged or not supported.
   */
  static fromTokenizerJson(bytes: Uint8Array, config: TokenizerConfig = {}): Siglip2Tokenizer {
    const { bos = '<bos>', eos = '<eos>', unk = '<unk>', pad = '<pad>', mask = '<mask>' } = config.specialTokens ?? {}
    const named = { ...config.specialTokens, bos, eos, unk, pad, mask }
    const specialTokens = new SpecialTokens(named, config.extraSpecialTokens)
    const json = readTokenizerJson(bytes)
    const model = {
      ...asObject(json.head.model, 'model of tokenizer.json'),
      unk_token: unk,
      fuse_unk: true,
      byte_fallback: true,
      ignore_merges: false,
      dropout: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
    }
    const addedTokens = config.addedTokens ?? new Map(addedTokensOf(json.head))
    const pipeline = { ...PIPELINE, model, added_tokens: [] }
    const backend = new JsonBackend(json, {
      specialTokens,
      specialTokenFlags: config.specialTokenFlags,
      addedTokens,
      pipeline,
    })
    return new Siglip2Tokenizer(backend, specialTokens, configOf(json, config))
  }
}

/** `max_len`, which old files have in place of `model_max_length`. */
function maxLenOf({ other }: TokenizerConfig): number | undefined {
  const value = other?.max_len
  return typeof value === 'number' && value > 0 ? value : undefined
}
