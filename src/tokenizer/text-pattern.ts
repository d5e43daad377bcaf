import { TokenizerError } from '../errors.js'
import { asObject, mismatch } from './json-value.js'
import { WHITE_SPACE } from './rust-str.js'

/** A piece of text that a pattern matches: from `start` up to `end`, not including it. */
export interface Match {
  readonly start: number
  readonly end: number
}

/** Finds all matches in a text, left to right, none of them empty. */
export type TextPattern = (text: string) => Match[]

/** One repeated character set of a regular expression, perhaps bound to an end of the text. */
interface Run {
  readonly characters: RegExp
  readonly atStart: boolean
  readonly atEnd: boolean
  readonly min: number
  readonly max: number
}

/**
 * Reads a pattern as `tokenizer.json` writes it: `{ "String": … }`, or `{ "Regex": … }` with alternatives that each are one
 * repeated character set, such as `\s+`, `[!-/]`, ` {2,}`, `\A +| +\z`. Such expressions are all that SigLIP tokenizers use, and
 * unlike others they take linear time on every text.
 *
 * @throws TokenizerError naming the pattern if it is of another kind.
 */
export function parseTextPattern(value: unknown, where: string): TextPattern {
  const json = asObject(value, where)
  const needle = json.String
  if (typeof needle === 'string' && needle !== '') return (text) => findString(text, needle)
  const regex = json.Regex
  if (typeof regex !== 'string') throw mismatch('{"String": …} or {"Regex": …}', value, where)
  const runs = splitAlternatives(regex).map((source) => parseRun(source, regex, where))
  return (text) => findRuns(text, runs)
}

/** `text` with every match replaced. */
export function replaceMatches(text: string, matches: readonly Match[], content: string): string {
  if (matches.length === 0) return text
  let replaced = ''
  let at = 0
  for (const { start, end } of matches) {
    replaced += text.slice(at, start) + content
    at = end
  }
  return replaced + text.slice(at)
}

function findString(text: string, needle: string): Match[] {
  const matches: Match[] = []
  for (let at = text.indexOf(needle); at >= 0; at = text.indexOf(needle, at + needle.length))
    matches.push({ start: at, end: at + needle.length })
  return matches
}

function findRuns(text: string, runs: readonly Run[]): Match[] {
  const matches: Match[] = []
  /** By run, up to where its characters reach without making a match: no later start among them makes one either. */
  const hopeless = runs.map(() => 0)
  for (let at = 0; at < text.length;) {
    let end = at
    for (const [i, run] of runs.entries()) {
      if (end > at || at < (hopeless[i] ?? 0)) continue
      const reach = runReach(text, at, run)
      if (reach.isMatch) end = reach.end
      else if (run.max === Infinity) hopeless[i] = reach.end
    }
    if (end > at) matches.push({ start: at, end })
    at = end > at ? end : at + characterLength(text, at)
  }
  return matches
}

/** How far the characters of `run` reach from `start`, and whether that makes a match. */
function runReach(text: string, start: number, run: Run): { end: number; isMatch: boolean } {
  if (run.atStart && start > 0) return { end: start, isMatch: false }
  let end = start
  let count = 0
  while (count < run.max && end < text.length) {
    const length = characterLength(text, end)
    if (!run.characters.test(text.slice(end, end + length))) break
    end += length
    count++
  }
  return { end, isMatch: count >= run.min && (!run.atEnd || end === text.length) }
}

function characterLength(text: string, at: number): number {
  return (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1
}

/** Splits at `|` outside of brackets. */
function splitAlternatives(source: string): string[] {
  return source.match(/(?:\\[^]|\[(?:\\[^]|[^\]\\])*\]|[^|\\[])+/g) ?? []
}

function parseRun(source: string, whole: string, where: string): Run {
  const parts =
    /^(\\A|\^)?(\[(?:\\[^]|[^\]\\])+\]|\\[^AzZ]|[^\\[\](){}*+?.^$|])(\+|\{(\d{1,4})(,?)(\d{0,4})\})?(\\z|\$)?$/su.exec(
      source,
    )
  if (!parts) throw unsupported(whole, where)
  const [, atStart, set = '', repeat, least, comma, most, atEnd] = parts
  const min = least === undefined ? 1 : Number(least)
  const max = repeat === undefined ? 1 : repeat === '+' || (comma && !most) ? Infinity : comma ? Number(most) : min
  if (min < 1 || max < min) throw unsupported(whole, where)
  try {
    const characters = new RegExp(`^${toJavaScript(set)}$`, 'u')
    return { characters, atStart: atStart !== undefined, atEnd: atEnd !== undefined, min, max }
  } catch {
    throw unsupported(whole, where)
  }
}

/** A character set in JavaScript's spelling, where needless escapes are errors and `\s` means other characters. */
function toJavaScript(set: string): string {
  const inner = set.startsWith('[') ? set.slice(1, -1) : set
  const body = inner.replace(/\\([^])|([[\]])/gu, (_, escaped: string | undefined, bare: string | undefined) => {
    if (escaped === 's') return WHITE_SPACE
    if (escaped !== undefined && /[A-Za-z0-9]/.test(escaped)) return /[tnrfv]/.test(escaped) ? `\\${escaped}` : '\\?'
    return /[\^$\\.*+?()[\]{}|/-]/.test(escaped ?? bare ?? '') ? `\\${escaped ?? bare ?? ''}` : (escaped ?? '')
  })
  return `[${!set.startsWith('[') && body === '^' ? '\\^' : body}]`
}

function unsupported(pattern: string, where: string): TokenizerError {
  return new TokenizerError('This regular expression is not supported', {
    expected: 'repeated character sets',
    found: pattern,
    where,
    hint: 'SigLIP tokenizers need no other; the spiece.model of the same checkpoint does without.',
  })
}
