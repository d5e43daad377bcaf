import type { CheckpointFolder } from '../hub/checkpoint-folder.js'
import { type CanonicalizeOptions, canonicalizeText } from './clean/canonicalize.js'
import { JsonBackend } from './tokenizer-json/json-backend.js'
import { asObject, mismatch } from './tokenizer-json/json-value.js'
import { loadTokenizerConfig, noTokenizerFile, readTokenizerFile, tokenizerFolder } from './load-tokenizer-files.js'
import { PreTrainedTokenizer } from './pretrained-tokenizer.js'
import { SentencePiece } from './sentencepiece/sentencepiece.js'
import { SentencePieceBackend } from './sentencepiece/sentencepiece-backend.js'
import { parseSentencePieceModel } from './sentencepiece/sentencepiece-model.js'
import { SpecialTokens } from './special-tokens.js'
import type { TokenizerBackend } from './tokenizer-backend.js'
import { configOf, readTokenizerJson } from './tokenizer-json/tokenizer-json.js'
import type { TokenizerConfig } from './tokenizer-config.js'

const EOS = '</s>'
const UNK = '<unk>'

/**
 * SigLIP's tokenizer: canonicalized text (lower case, no ASCII punctuation) split by a SentencePiece unigram model, `</s>` at the
 * end and as padding.
 *
 * Source: `SiglipTokenizer` of transformers' `tokenization_siglip.py`.
 *
 * @example
 *     const tokenizer = await SiglipTokenizer.fromPretrained('models/siglip-base-patch16-224')
 *     tokenizer.call(['a photo of a cat', 'two dogs'], { padding: 'max_length', truncation: true }).inputIds.shape // [2, 64]
 */
export class SiglipTokenizer extends PreTrainedTokenizer {
  /** Whether text is lower-cased first. */
  readonly doLowerCase: boolean

  private constructor(backend: TokenizerBackend, specialTokens: SpecialTokens, config: TokenizerConfig) {
    super(backend, specialTokens, config, {
      className: 'SiglipTokenizer',
      modelMaxLength: 64,
      paddingSide: 'right',
      modelInputNames: ['input_ids', 'attention_mask'],
    })
    this.doLowerCase = config.doLowerCase ?? true
  }

  /**
   * Loads a tokenizer from a folder with `spiece.model`, or else `tokenizer.json`, and, if it is there, `tokenizer_config.json`.
   *
   * @param folder a path or URL, or a folder opened before.
   * @param overrides take precedence over `tokenizer_config.json`.
   * @throws FileError if neither file is there; TokenizerError if one is damaged.
   */
  static async fromPretrained(
    folder: string | CheckpointFolder,
    overrides: TokenizerConfig = {},
  ): Promise<SiglipTokenizer> {
    const files = await tokenizerFolder(folder)
    const config = await loadTokenizerConfig(files, overrides)
    if (await files.has('spiece.model'))
      return this.fromSentencePiece(await readTokenizerFile(files, 'spiece.model'), config)
    if (!(await files.has('tokenizer.json'))) throw noTokenizerFile(files, 'spiece.model or tokenizer.json')
    return this.fromTokenizerJson(await readTokenizerFile(files, 'tokenizer.json'), config)
  }

  /**
   * Makes a tokenizer of the bytes of `spiece.model`.
   *
   * @throws TokenizerError if they are not a SentencePiece unigram model, or `sp_model_kwargs` ask for other ids than it gives.
   */
  static fromSentencePiece(bytes: Uint8Array, config: TokenizerConfig = {}): SiglipTokenizer {
    checkSentencePieceOptions(config.other?.sp_model_kwargs)
    const model = parseSentencePieceModel(bytes)
    const legacy = config.legacy ?? true
    const normalizer = legacy ? model.normalizer : { ...model.normalizer, addDummyPrefix: false }
    const specialTokens = specialTokensOf(config)
    const backend = new SentencePieceBackend({
      sentencePiece: new SentencePiece({ ...model, normalizer }),
      file: bytes,
      specialTokens,
      eosToken: specialTokens.get('eos') ?? EOS,
      unkToken: specialTokens.get('unk') ?? UNK,
      doLowerCase: config.doLowerCase ?? true,
      addedTokens: config.addedTokens ?? new Map(),
    })
    return new SiglipTokenizer(backend, specialTokens, config)
  }

  /**
   * Makes a tokenizer of the bytes of `tokenizer.json`, which describes the whole way from text to ids itself: it canonicalizes
   * only if the file says so.
   *
   * @throws TokenizerError naming what is damaged or not supported.
   */
  static fromTokenizerJson(bytes: Uint8Array, config: TokenizerConfig = {}): SiglipTokenizer {
    const specialTokens = specialTokensOf(config)
    const { addedTokens, specialTokenFlags } = config
    const options = { specialTokens, specialTokenFlags, addedTokens }
    const json = readTokenizerJson(bytes)
    return new SiglipTokenizer(new JsonBackend(json, options), specialTokens, configOf(json, config))
  }

  /** The text as the model sees it: lower case unless the tokenizer keeps it, without ASCII punctuation, single spaces. */
  canonicalizeText(text: string, options: Pick<CanonicalizeOptions, 'keepPunctuationExactString'> = {}): string {
    return canonicalizeText(text, { doLowerCase: this.doLowerCase, ...options })
  }
}

function specialTokensOf(config: TokenizerConfig): SpecialTokens {
  return new SpecialTokens({ eos: EOS, unk: UNK, pad: EOS, ...config.specialTokens }, config.extraSpecialTokens)
}

/** Options of SentencePiece's processor that change its ids: reversed, framed by its own tokens, or drawn by chance. */
function checkSentencePieceOptions(value: unknown): void {
  const where = 'sp_model_kwargs of tokenizer_config.json'
  const options = asObject(value ?? {}, where)
  for (const name of ['add_bos', 'add_eos', 'reverse', 'emit_unk_piece', 'enable_sampling'])
    if (options[name]) throw mismatch('none that change ids', { [name]: options[name] }, where)
}
