import { TokenizerError } from '../../errors.js'
import { isObject } from '../../io/is-object.js'
import type { AddedToken } from '../added-token.js'
import { callDefaultsOfHead } from '../call-defaults.js'
import { asArray, asId, asObject } from './json-value.js'
import { JsonBytes } from '../../io/json-bytes.js'
import { parseAddedToken, type Side, type TokenizerConfig } from '../tokenizer-config.js'
import { type JsonObject, parseJsonObject } from '../../io/json.js'
import { joined } from '../../io/joined.js'

const WHERE = 'tokenizer.json'

/** A stretch of the file: from `start` up to `end`, not including it. */
export interface Range {
  readonly start: number
  readonly end: number
}

/** A `tokenizer.json`, its long lists left in the bytes. */
export interface TokenizerJson {
  readonly bytes: Uint8Array
  /** The file without its byte-pair vocabulary and merges: `model.vocab` is `{}` and `model.merges` is `[]`. */
  readonly head: JsonObject
  /** Where the two are; undefined for models of other kinds, whose vocabulary is in `head`. */
  readonly lists: { readonly vocab: Range; readonly merges: Range } | undefined
}

/**
 * Reads the bytes of `tokenizer.json`.
 *
 * @throws TokenizerError if they are not JSON.
 */
export function readTokenizerJson(bytes: Uint8Array): TokenizerJson {
  const ranges: { vocab?: Range; merges?: Range } = {}
  const json = new JsonBytes(bytes, WHERE)
  json.readObject((key) => {
    if (key !== 'model' || json.peek() !== 0x7b) return false
    json.readObject((name) => {
      if (name !== 'vocab' && name !== 'merges') return false
      if (json.peek() !== (name === 'vocab' ? 0x7b : 0x5b)) return false
      const start = json.at
      json.skipValue()
      ranges[name] = { start, end: json.at }
      return true
    })
    return true
  })
  const { vocab, merges } = ranges
  if (!vocab || !merges) return { bytes, head: parseJsonObject(bytes, WHERE, TokenizerError), lists: undefined }
  return {
    bytes,
    head: parseJsonObject(without(bytes, vocab, merges), WHERE, TokenizerError),
    lists: { vocab, merges },
  }
}

/** The added tokens of the file with their ids, in its own order. */
export function addedTokensOf(head: JsonObject): readonly (readonly [number, AddedToken])[] {
  return asArray(head.added_tokens ?? [], `added_tokens of ${WHERE}`).map((token, i) => {
    const where = `added_tokens[${i}] of ${WHERE}`
    return [asId(asObject(token, where).id, `id of ${where}`), parseAddedToken(token, where)]
  })
}

/** The settings that the file has defaults for: the sides of padding and truncation, and a processor's length. */
export function configOf({ head }: TokenizerJson, config: TokenizerConfig): TokenizerConfig {
  const { padding, truncation } = head
  return {
    ...config,
    paddingSide: config.paddingSide ?? sideOf(padding),
    truncationSide: config.truncationSide ?? sideOf(truncation),
    other: { ...callDefaultsOfHead(head), ...config.other },
  }
}

/** The file with other added tokens, else as it was. */
export function withAddedTokens(json: TokenizerJson, addedTokens: readonly JsonObject[]): Uint8Array {
  const { bytes, head, lists } = json
  const encoder = new TextEncoder()
  const changed = { ...head, added_tokens: addedTokens }
  if (!lists) return encoder.encode(JSON.stringify(changed, undefined, 2))
  const model = asObject(head.model, `model of ${WHERE}`)
  const rest = Object.fromEntries(Object.entries(model).filter(([key]) => key !== 'vocab' && key !== 'merges'))
  // The model goes last, so that its lists can be appended unchanged.
  const text = JSON.stringify({ ...changed, model: undefined }, undefined, 2).replace(/\n\}$/, '')
  const modelText = JSON.stringify(rest).replace(/\}$/, '')
  return joined([
    encoder.encode(
      `${text},\n  "model": ${modelText}${isObject(rest) && Object.keys(rest).length > 0 ? ',' : ''}"vocab":`,
    ),
    bytes.subarray(lists.vocab.start, lists.vocab.end),
    encoder.encode(',"merges":'),
    bytes.subarray(lists.merges.start, lists.merges.end),
    encoder.encode('}\n}\n'),
  ])
}

function without(bytes: Uint8Array, vocab: Range, merges: Range): Uint8Array {
  const [first, second] = vocab.start < merges.start ? [vocab, merges] : [merges, vocab]
  const empty = (range: Range): Uint8Array => new TextEncoder().encode(range === vocab ? '{}' : '[]')
  return joined([
    bytes.subarray(0, first.start),
    empty(first),
    bytes.subarray(first.end, second.start),
    empty(second),
    bytes.subarray(second.end),
  ])
}

function sideOf(setting: unknown): Side | undefined {
  const direction = isObject(setting) ? setting.direction : undefined
  return direction === 'Left' ? 'left' : direction === 'Right' ? 'right' : undefined
}
