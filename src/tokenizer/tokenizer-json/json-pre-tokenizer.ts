import { asArray, asBoolean, asObject, asString, mismatch } from './json-value.js'
import { WHITE_SPACE } from './rust-str.js'
import { type Match, parseTextPattern, type TextPattern } from './text-pattern.js'

/** A part of a text, which the model will split further. */
export interface TextPart {
  readonly text: string
  /** Whether it starts where the whole text does. */
  readonly isFirst: boolean
}

/** Splits the parts of a text into smaller ones. */
export type PreTokenizer = (parts: readonly TextPart[]) => readonly TextPart[]

/**
 * Makes the `pre_tokenizer` of a `tokenizer.json`.
 *
 * @throws TokenizerError naming it if its kind is not supported.
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
      return splitter(pattern, asBehavior(json.behavior, where), invert)
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

/** What happens to the matches at which a text is split. */
type Behavior = 'Removed' | 'Isolated' | 'MergedWithPrevious' | 'MergedWithNext' | 'Contiguous'

function asBehavior(value: unknown, where: string): Behavior {
  const known = ['Removed', 'Isolated', 'MergedWithPrevious', 'MergedWithNext', 'Contiguous'] as const
  const behavior = known.find((name) => name === value)
  if (behavior) return behavior
  throw mismatch(known.join(', '), value, `behavior of ${where}`)
}

/** A part of a text that a pattern matches, or what lies between two of them. */
interface Segment extends Match {
  readonly isMatch: boolean
}

function splitter(pattern: TextPattern, behavior: Behavior, invert = false): PreTokenizer {
  return (parts) =>
    parts.flatMap((part) => {
      const matches = pattern(part.text)
      if (matches.length === 0 && !invert) return [part]
      return cut(segments(part.text, matches, invert), behavior).map(({ start, end }) => ({
        text: part.text.slice(start, end),
        isFirst: part.isFirst && start === 0,
      }))
    })
}

/** The whole text as matches and what lies between; inverted, the two change places. */
function segments(text: string, matches: readonly Match[], invert: boolean): Segment[] {
  const all: Segment[] = []
  let at = 0
  for (const { start, end } of matches) {
    if (start > at) all.push({ start: at, end: start, isMatch: invert })
    all.push({ start, end, isMatch: !invert })
    at = end
  }
  if (text.length > at) all.push({ start: at, end: text.length, isMatch: invert })
  return all
}

/** Whether a segment joins the part before it. */
const JOINS: Readonly<Record<Behavior, (isMatch: boolean, isBehindMatch: boolean) => boolean>> = {
  Removed: () => false,
  Isolated: () => false,
  MergedWithPrevious: (isMatch, isBehindMatch) => isMatch && !isBehindMatch,
  MergedWithNext: (isMatch, isBehindMatch) => !isMatch && isBehindMatch,
  Contiguous: (isMatch, isBehindMatch) => isMatch === isBehindMatch,
}

/** Source: `NormalizedString::split` of the `tokenizers` library. */
function cut(all: readonly Segment[], behavior: Behavior): Match[] {
  const parts: Match[] = []
  let isBehindMatch = false
  for (const { start, end, isMatch } of all) {
    const last = parts.at(-1)
    if (last && JOINS[behavior](isMatch, isBehindMatch)) parts[parts.length - 1] = { start: last.start, end }
    else if (behavior !== 'Removed' || !isMatch) parts.push({ start, end })
    isBehindMatch = isMatch
  }
  return parts
}
