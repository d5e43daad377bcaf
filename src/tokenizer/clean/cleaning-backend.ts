import { cleanText, CLEANINGS } from './clean-text.js'
import { mismatch } from '../tokenizer-json/json-value.js'
import type { TokenizerBackend } from '../tokenizer-backend.js'
import type { JsonObject } from '../../io/json.js'

/** The key of `tokenizer_config.json` that says how open_clip cleans texts before it tokenizes them. */
export const CLEANING = 'open_clip_clean'

/**
 * A backend whose texts are cleaned first, where its settings say so.
 *
 * @throws TokenizerError for another cleaning than open_clip has
 */
export function withCleaning(backend: TokenizerBackend, settings: JsonObject): TokenizerBackend {
  const value = settings[CLEANING]
  if (value === undefined || value === null) return backend
  const cleaning = CLEANINGS.find((each) => each === value)
  if (cleaning === undefined) throw mismatch(CLEANINGS.join(', '), value, `${CLEANING} of tokenizer_config.json`)
  return {
    modelType: backend.modelType,
    vocabSize: backend.vocabSize,
    vocab: () => backend.vocab(),
    addedTokens: () => backend.addedTokens(),
    addTokens: (tokens, special) => backend.addTokens(tokens, special),
    tokenize: (text, split) => backend.tokenize(cleanText(text, cleaning), split),
    encode: (text, split) => backend.encode(cleanText(text, cleaning), split),
    tokenToId: (token) => backend.tokenToId(token),
    idToToken: (id) => backend.idToToken(id),
    tokensToString: (tokens) => backend.tokensToString(tokens),
    decode: (ids, skip) => backend.decode(ids, skip),
    truncate: (ids, pair, room, how, side) => backend.truncate(ids, pair, room, how, side),
    frame: (ids, pair) => backend.frame(ids, pair),
    files: () => backend.files(),
  }
}
