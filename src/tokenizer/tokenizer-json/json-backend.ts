import { type AddedToken, addedToken, type GivenToken } from '../added-token.js'
import { AddedVocabulary } from './added-vocabulary.js'
import { Bpe } from './bpe.js'
import { type Decoder, parseDecoder } from './json-decoder.js'
import { parseNormalizer } from './json-normalizer.js'
import { type PreTokenizer, parsePreTokenizer } from './json-pre-tokenizer.js'
import { JsonUnigram } from './json-unigram.js'
import { asObject, mismatch } from './json-value.js'
import type { SpecialTokens } from '../special-tokens.js'
import { applyTemplate, parseTemplate, type Template } from './template-processing.js'
import type { Framed, TokenizerBackend } from '../tokenizer-backend.js'
import { addedTokenToJson } from '../tokenizer-config.js'
import { addedTokensOf, type TokenizerJson, withAddedTokens } from './tokenizer-json.js'
import type { TokenizerModel } from './tokenizer-model.js'
import { truncateEncodings } from '../truncation.js'
import type { JsonObject } from '../../io/json.js'

/** What a tokenizer class decides besides its `tokenizer.json`. */
export interface JsonBackendOptions {
  /** Top-level parts that take the place of the file's own. */
  readonly pipeline?: JsonObject | undefined
  readonly specialTokens: SpecialTokens
  /** How special tokens are added that aren't among the added tokens; without flags by default. */
  readonly specialTokenFlags?: ReadonlyMap<string, AddedToken> | undefined
  /** Added tokens of `tokenizer_config.json`, which take the place of the file's own. */
  readonly addedTokens?: ReadonlyMap<number, AddedToken> | undefined
}

/**
 * A tokenizer described by `tokenizer.json`: split at added tokens, normalize, pre-tokenize, split by the model, add special tokens.
 *
 * Source: the `tokenizers` library, and `TokenizersBackend` of transformers.
 */
export class JsonBackend implements TokenizerBackend {
  readonly truncate = truncateEncodings
  readonly #json: TokenizerJson
  readonly #ownTokens: string
  readonly #model: TokenizerModel
  readonly #added: AddedVocabulary
  readonly #preTokenize: PreTokenizer
  readonly #decode: Decoder
  readonly #template: Template
  readonly #specialTokens: SpecialTokens

  /** @throws TokenizerError naming the part of `tokenizer.json` that is damaged or not supported. */
  constructor(json: TokenizerJson, { specialTokens, specialTokenFlags, addedTokens, pipeline }: JsonBackendOptions) {
    const head = { ...json.head, ...pipeline }
    this.#json = json
    this.#specialTokens = specialTokens
    this.#model = parseModel(json, asObject(head.model, 'model of tokenizer.json'))
    this.#preTokenize = parsePreTokenizer(head.pre_tokenizer)
    this.#decode = parseDecoder(head.decoder)
    this.#template = parseTemplate(head.post_processor)
    this.#added = new AddedVocabulary(this.#model, parseNormalizer(head.normalizer))
    this.#added.add(addedTokensOf(head).map(([, token]) => token))
    const byId = [...(addedTokens ?? [])].sort(([a], [b]) => a - b)
    this.#added.add(
      byId.map(([, token]) => (specialTokens.hasRole(token.content) ? { ...token, special: true } : token)),
    )
    const missing = specialTokens.all.filter((token) => this.#added.tokenToId(token) === undefined)
    this.addTokens(
      missing.map((token) => specialTokenFlags?.get(token) ?? token),
      true,
    )
    this.#ownTokens = JSON.stringify(this.#addedTokensJson())
  }

  get modelType(): 'Unigram' | 'BPE' {
    return this.#model instanceof Bpe ? 'BPE' : 'Unigram'
  }

  get vocabSize(): number {
    return this.#model.size
  }

  vocab(): Map<string, number> {
    const vocab = new Map(this.#model.entries())
    for (const [id, { content }] of this.#added.tokens) vocab.set(content, id)
    return vocab
  }

  addedTokens(): ReadonlyMap<number, AddedToken> {
    return this.#added.tokens
  }

  addTokens(tokens: readonly (string | GivenToken)[], special: boolean): number {
    const given = tokens.map((token) => (typeof token === 'string' ? { content: token } : token))
    return this.#added.add(given.map((token) => addedToken(special ? { ...token, special } : token)))
  }

  encode(text: string, splitSpecialTokens: boolean): number[] {
    const ids: number[] = []
    for (const stretch of this.#added.split(text, splitSpecialTokens)) {
      if (stretch.id !== undefined) ids.push(stretch.id)
      else for (const part of this.#preTokenize([stretch])) for (const id of this.#model.encode(part.text)) ids.push(id)
    }
    return ids
  }

  tokenize(text: string, splitSpecialTokens: boolean): string[] {
    return this.#added
      .split(text, splitSpecialTokens)
      .flatMap((stretch) =>
        stretch.id === undefined
          ? this.#preTokenize([stretch]).flatMap((part) => this.#model.tokenize(part.text))
          : [stretch.text],
      )
  }

  tokenToId(token: string): number {
    const unk = this.#specialTokens.get('unk')
    return this.#find(token) ?? (unk === undefined ? undefined : this.#find(unk)) ?? 0
  }

  idToToken(id: number): string | undefined {
    return this.#added.idToToken(id) ?? this.#model.idToToken(id)
  }

  tokensToString(tokens: readonly string[]): string {
    return this.#decode(tokens).join('')
  }

  decode(ids: readonly number[], skipSpecialTokens: boolean): string {
    const tokens: string[] = []
    for (const id of ids) {
      const token = this.idToToken(id)
      if (token !== undefined && !(skipSpecialTokens && this.#added.isSpecial(token))) tokens.push(token)
    }
    return this.tokensToString(tokens)
  }

  frame(ids: readonly number[], pair?: readonly number[]): Framed {
    return applyTemplate(this.#template, ids, pair)
  }

  files(): Map<string, Uint8Array> {
    const added = this.#addedTokensJson()
    const isUnchanged = JSON.stringify(added) === this.#ownTokens
    return new Map([['tokenizer.json', isUnchanged ? this.#json.bytes : withAddedTokens(this.#json, added)]])
  }

  #addedTokensJson(): JsonObject[] {
    return Array.from(this.#added.tokens, ([id, token]) => ({ id, ...addedTokenToJson(token) }))
  }

  #find(token: string): number | undefined {
    return this.#added.tokenToId(token) ?? this.#model.tokenToId(token)
  }
}

/** Files of early versions leave the model's type out. */
function parseModel(json: TokenizerJson, model: JsonObject): TokenizerModel {
  const type = model.type ?? (json.lists ? 'BPE' : 'Unigram')
  if (type === 'BPE' && json.lists) return new Bpe(json.bytes, json.lists, model)
  if (type === 'Unigram') return new JsonUnigram(model)
  throw mismatch('Unigram, or BPE with vocab and merges', type, 'model of tokenizer.json')
}
