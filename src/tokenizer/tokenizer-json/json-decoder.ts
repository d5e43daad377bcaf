import { prependScheme } from './json-pre-tokenizer.js'
import { asArray, asId, asObject, asString, mismatch } from './json-value.js'
import { parseTextPattern, replaceMatches } from './text-pattern.js'

/** Rewrites a list of tokens; joined, they are the text. */
export type Decoder = (tokens: readonly string[]) => readonly string[]

/**
 * Makes the `decoder` of a `tokenizer.json`.
 *
 * @throws TokenizerError naming it if its kind is not supported.
 */
export function parseDecoder(value: unknown, where = 'decoder of tokenizer.json'): Decoder {
  if (value === undefined || value === null) return (tokens) => [tokens.join(' ')]
  const json = asObject(value, where)
  switch (json.type) {
    case 'Sequence': {
      const all = asArray(json.decoders, where).map((step, i) => parseDecoder(step, `${where}, step ${i}`))
      return (tokens) => all.reduce((t, decode) => decode(t), tokens)
    }
    case 'Replace': {
      const pattern = parseTextPattern(json.pattern, `pattern of ${where}`)
      const content = asString(json.content, `content of ${where}`)
      return (tokens) => tokens.map((token) => replaceMatches(token, pattern(token), content))
    }
    case 'ByteFallback':
      return decodeBytes
    case 'Fuse':
      return (tokens) => [tokens.join('')]
    case 'Strip': {
      const content = asString(json.content, `content of ${where}`)
      if (content === '') throw mismatch('a character', content, `content of ${where}`)
      const start = asId(json.start ?? 0, `start of ${where}`)
      const stop = asId(json.stop ?? 0, `stop of ${where}`)
      return (tokens) => tokens.map((token) => stripEnds(token, content, start, stop))
    }
    case 'Metaspace': {
      const replacement = asString(json.replacement, `replacement of ${where}`)
      const prepends = prependScheme(json, where) !== 'never'
      return (tokens) => tokens.map((token, i) => token.replaceAll(replacement, i === 0 && prepends ? '' : ' '))
    }
    default:
      throw mismatch('a known decoder', json.type, where)
  }
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Turns runs of byte tokens into the text they spell, or into one U+FFFD a byte if they spell none. */
function decodeBytes(tokens: readonly string[]): readonly string[] {
  const decoded: string[] = []
  let bytes: number[] = []
  const flush = (): void => {
    if (bytes.length === 0) return
    try {
      decoded.push(strictUtf8.decode(Uint8Array.from(bytes)))
    } catch {
      for (let i = 0; i < bytes.length; i++) decoded.push('\ufffd')
    }
    bytes = []
  }
  for (const token of tokens) {
    if (/^<0x[0-9A-Fa-f]{2}>$/.test(token)) bytes.push(parseInt(token.slice(3, 5), 16))
    else {
      flush()
      decoded.push(token)
    }
  }
  flush()
  return decoded
}

function stripEnds(token: string, content: string, start: number, stop: number): string {
  let from = 0
  let to = token.length
  while (start-- > 0 && from < to && token.startsWith(content, from)) from += content.length
  while (stop-- > 0 && from < to && token.endsWith(content, to)) to -= content.length
  return token.slice(from, to)
}
