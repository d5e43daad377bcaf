import { asArray, asBoolean, asObject, asString, mismatch } from './json-value.js'
import { WHITE_SPACE } from './rust-str.js'
import { type Match, parseTextPattern, type TextPattern } from './text-pattern.js'

/** A part of a text, which the model will split further. */
export interface TextPart {
  readonly text: string
  /** Whether it starts where the whole text does. */
  readonly isFirst: boolean
}

/** Cuts the parts of a text into smaller ones. */
export type PreTokenizer = (parts: readonly TextPart[]) => readonly TextPart[]

/**
 * Makes the `pre_tokenizer` of a `tokenizer.json`.
 *
 * @throws TokenizerError naming it if it is of a kind that no SigLIP tokenizer has.
 */
export function parsePreTokenizer(value: unknown, where = 'pre_tokenizer of tokenizer.json'): PreTokenizer {
  if (value === undefined || value === null) return (parts) => parts
  const json = asObject(value, where)
  switch (json.type) {
    case 'Sequence': {
      const all = asArray(json.pretokenizers, where).map((step, i) => parsePreTokenizer(step, `${where}, step ${i}`))
      return (parts) => all.reduce((p, preTokenize) => preTokenize(p), parts)
    }
    case 'WhitespaceSplit': {
      const spaces = new RegExp(`[${WHITE_SPACE}]`, 'g')
      const matches: TextPattern = (text) =>
        Array.from(text.matchAll(spaces), ({ index }) => ({ start: index, end: index + 1 }))
      return splitter(matches, 'Removed')
    }
    case 'Split': {
      const pattern = parseTextPattern(json.pattern, `pattern of ${where}`)
      const invert = asBoolean(json.invert, false, `invert of ${where}`)
      return splitter(invert ? (text) => between(text, pattern(text)) : pattern, asBehavior(json.behavior, where))
    }
    case 'Metaspace': {
      const replacement = asString(json.replacement, `replacement of ${where}`)
      const scheme = prependScheme(json, where)
      const prepend: PreTokenizer = (parts) =>
        parts.map(({ text, isFirst }) => {
          const replaced = text.replaceAll(' ', replacement)
          const wanted = scheme === 'always' || (scheme === 'first' && isFirst)
          return {
            text: wanted && text !== '' && !replaced.startsWith(replacement) ? replacement + replaced : replaced,
            isFirst,
          }
        })
      if (!asBoolean(json.split, true, `split of ${where}`)) return prepend
      const split = splitter(parseTextPattern({ String: replacement }, where), 'MergedWithNext')
      return (parts) => split(prepend(parts))
    }
    default:
      throw mismatch('a known pre-tokenizer', json.type, where)
  }
}

/** How Metaspace treats the start of a text; `add_prefix_space` is the older spelling. */
export function prependScheme(json: Readonly<Record<string, unknown>>, where: string): 'always' | 'first' | 'never' {
  if (json.prepend_scheme === undefined)
    return asBoolean(json.add_prefix_space, true, `add_prefix_space of ${where}`) ? 'always' : 'never'
  const scheme = json.prepend_scheme
  if (scheme === 'always' || scheme === 'first' || scheme === 'never') return scheme
  throw mismatch('"always", "first" or "never"', scheme, `prepend_scheme of ${where}`)
}

/** What becomes of the matches a text is cut at. */
type Behavior = 'Removed' | 'Isolated' | 'MergedWithPrevious' | 'MergedWithNext' | 'Contiguous'

function asBehavior(value: unknown, where: string): Behavior {
  const known = ['Removed', 'Isolated', 'MergedWithPrevious', 'MergedWithNext', 'Contiguous'] as const
  const behavior = known.find((name) => name === value)
  if (behavior) return behavior
  throw mismatch(known.join(', '), value, `behavior of ${where}`)
}

function splitter(pattern: TextPattern, behavior: Behavior): PreTokenizer {
  return (parts) =>
    parts.flatMap((part) => {
      const matches = pattern(part.text)
      if (matches.length === 0) return [part]
      return cut(part.text, matches, behavior).map((text, i) => ({ text, isFirst: part.isFirst && i === 0 }))
    })
}

function cut(text: string, matches: readonly Match[], behavior: Behavior): string[] {
  const parts: string[] = []
  let start = 0
  const push = (end: number): void => {
    if (end > start) parts.push(text.slice(start, end))
    start = end
  }
  for (const [i, match] of matches.entries()) {
    const touches = i > 0 && matches[i - 1]?.end === match.start
    if (behavior === 'MergedWithPrevious') push(match.end)
    else if (behavior === 'MergedWithNext') push(match.start)
    else if (behavior === 'Isolated') {
      push(match.start)
      push(match.end)
    } else if (behavior === 'Contiguous') {
      if (!touches) push(match.start)
      if (matches[i + 1]?.start !== match.end) push(match.end)
    } else {
      push(match.start)
      start = match.end
    }
  }
  push(text.length)
  return parts
}

/** What lies between the matches. */
function between(text: string, matches: readonly Match[]): Match[] {
  const ends = [{ start: 0, end: 0 }, ...matches, { start: text.length, end: text.length }]
  return ends.slice(1).flatMap(({ start }, i) => {
    const from = ends[i]?.end ?? 0
    return start > from ? [{ start: from, end: start }] : []
  })
}
