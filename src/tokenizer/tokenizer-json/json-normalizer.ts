import { TokenizerError } from '../../errors.js'
import { CharsMap } from '../sentencepiece/charsmap.js'
import type { TextPart } from './json-pre-tokenizer.js'
import { asArray, asBoolean, asObject, asString, mismatch } from './json-value.js'
import { leadingSpaces, lowerLetters, trimmedLength } from './rust-str.js'
import { parseTextPattern, replaceMatches } from './text-pattern.js'

/** Rewrites text before it is split. A part whose start was removed is no longer the first. */
export type Normalizer = (part: TextPart) => TextPart

/**
 * Makes the `normalizer` of a `tokenizer.json`.
 *
 * @throws TokenizerError naming the type if it is not one of the cases below.
 */
export function parseNormalizer(value: unknown, where = 'normalizer of tokenizer.json'): Normalizer {
  if (value === undefined || value === null) return (part) => part
  const json = asObject(value, where)
  switch (json.type) {
    case 'Sequence': {
      const all = asArray(json.normalizers, where).map((step, i) => parseNormalizer(step, `${where}, step ${i}`))
      return (part) => all.reduce((p, normalize) => normalize(p), part)
    }
    case 'Lowercase':
      return onText(lowerLetters)
    case 'NFC':
    case 'NFD':
    case 'NFKC':
    case 'NFKD': {
      const form = json.type
      return onText((text) => text.normalize(form))
    }
    case 'Replace': {
      const pattern = parseTextPattern(json.pattern, `pattern of ${where}`)
      const content = asString(json.content, `content of ${where}`)
      return ({ text, isFirst }) => {
        const matches = pattern(text)
        const losesStart = content === '' && matches[0]?.start === 0
        return { text: replaceMatches(text, matches, content), isFirst: isFirst && !losesStart }
      }
    }
    case 'Prepend': {
      const prefix = asString(json.prepend, `prepend of ${where}`)
      return onText((text) => (text === '' ? '' : prefix + text))
    }
    case 'Strip': {
      const left = asBoolean(json.strip_left, true, `strip_left of ${where}`)
      const right = asBoolean(json.strip_right, true, `strip_right of ${where}`)
      return ({ text, isFirst }) => {
        const end = right ? trimmedLength(text) : text.length
        const start = left ? Math.min(leadingSpaces(text), end) : 0
        return { text: text.slice(start, end), isFirst: isFirst && start === 0 }
      }
    }
    case 'Precompiled':
      return onText(precompiled(asString(json.precompiled_charsmap, `precompiled_charsmap of ${where}`), where))
    default:
      throw mismatch(`one of ${KNOWN}`, json.type, where)
  }
}

const KNOWN = 'Sequence, Lowercase, NFC, NFD, NFKC, NFKD, Replace, Prepend, Strip, Precompiled'

function onText(rewrite: (text: string) => string): Normalizer {
  return ({ text, isFirst }) => ({ text: rewrite(text), isFirst })
}

/**
 * Applies compiled rules as the `spm_precompiled` crate does, which is not quite as SentencePiece does: a grapheme of up to five
 * bytes is replaced as a whole, by the first rule that fits its beginning; else each of its characters is.
 */
function precompiled(base64: string, where: string): (text: string) => string {
  const charsMap = new CharsMap(decodeBase64(base64, where), where)
  const encoder = new TextEncoder()
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  const segmenter = new Intl.Segmenter('und', { granularity: 'grapheme' })

  const replacement = (chunk: string): string | undefined => {
    const bytes = encoder.encode(chunk)
    if (charsMap.match(bytes, 0, bytes.length, 'shortest') === 0) return undefined
    const start = charsMap.replacementStart
    return decoder.decode(charsMap.replacements.subarray(start, charsMap.replacements.indexOf(0, start)))
  }
  const ascii = Array.from(
    { length: 128 },
    (_, code) => replacement(String.fromCharCode(code)) ?? String.fromCharCode(code),
  )
  const isPlain = ascii.every((text, code) => code < 0x20 || code === 0x7f || text === String.fromCharCode(code))

  return (text) => {
    // Between ASCII characters, only CR and LF form a grapheme, and control characters are rare: usual text needs no change.
    if (isPlain && /^[\x20-\x7e]*$/.test(text)) return text
    let normalized = ''
    for (const { segment } of segmenter.segment(text)) {
      const whole = encoder.encode(segment).length < 6 ? replacement(segment) : undefined
      if (whole !== undefined) normalized += whole
      else for (const character of segment) normalized += replacement(character) ?? character
    }
    return normalized
  }
}

function decodeBase64(base64: string, where: string): Uint8Array {
  try {
    return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
  } catch (cause) {
    throw new TokenizerError('The normalization rules are damaged', {
      expected: 'base64',
      found: 'other text',
      where,
      cause,
    })
  }
}
