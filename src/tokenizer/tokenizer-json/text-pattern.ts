import { TokenizerError } from '../../errors.js'
import { ESCAPE, parseCharacterSet } from './character-set.js'
import { asObject, mismatch } from './json-value.js'

/** A piece of text that a pattern matches: from `start` up to `end`, not including it. */
export interface Match {
  readonly start: number
  readonly end: number
}

/** Finds all matches in a text, left to right, none of them empty. */
export type TextPattern = (text: string) => Match[]

/** What a match is bound to: `\A` and `\z` to the text's ends, `^` and `$` to those of any line. */
type Anchor = 'none' | 'text' | 'line'

/** One repeated character set of a regular expression, perhaps bound to an end of the text or of a line. */
interface Run {
  readonly characters: RegExp
  readonly start: Anchor
  readonly end: Anchor
  readonly min: number
  readonly max: number
}

/**
 * Reads a pattern as `tokenizer.json` writes it: `{ "String": … }`, or `{ "Regex": … }` with alternatives that each are one
 * repeated character set, such as `\s+`, `[^\w-]`, ` {2,}`, `\A +| +\z`, in Oniguruma's sense. Such expressions are all that SigLIP tokenizers use, and
 * unlike others they take linear time on every text.
 *
 * @throws TokenizerError naming the pattern if its kind is not supported.
 */
export function parseTextPattern(value: unknown, where: string): TextPattern {
  const json = asObject(value, where)
  const needle = json.String
  if (typeof needle === 'string' && needle !== '') return (text) => findString(text, needle)
  const regex = json.Regex
  if (typeof regex !== 'string' || regex.length > MAX_PATTERN_LENGTH)
    throw mismatch('{"String": …} or {"Regex": …}', value, where)
  const runs = splitAlternatives(regex).map((source) => parseRun(source, regex, where))
  return (text) => findRuns(text, runs)
}

/** Characters of a pattern: more than any tokenizer has, and few enough to be read at once. */
const MAX_PATTERN_LENGTH = 1000

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
      const found = runReach(text, at, run)
      end = found.end
      if (end === at && run.max === Infinity) hopeless[i] = found.reach
    }
    if (end > at) matches.push({ start: at, end })
    at = end > at ? end : at + characterLength(text, at)
  }
  return matches
}

/** How far a run's match from `start` goes, `start` itself if there is none, and how far its characters reach. */
function runReach(text: string, start: number, run: Run): { end: number; reach: number } {
  if (!isAt(run.start, start === 0, text.charAt(start - 1))) return { end: start, reach: start }
  let end = start
  let reach = start
  let count = 0
  while (count < run.max && reach < text.length) {
    const length = characterLength(text, reach)
    if (!run.characters.test(text.slice(reach, reach + length))) break
    reach += length
    count++
    if (count >= run.min && isAt(run.end, reach === text.length, text.charAt(reach))) end = reach
  }
  return { end, reach }
}

/** Whether a place is one that `anchor` allows: an end of the text, or beside a line break. */
function isAt(anchor: Anchor, isEnd: boolean, neighbour: string): boolean {
  return anchor === 'none' || isEnd || (anchor === 'line' && neighbour === '\n')
}

function characterLength(text: string, at: number): number {
  return (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1
}

/** Splits at `|` outside of brackets. */
function splitAlternatives(source: string): string[] {
  const alternatives = ['']
  for (const [piece] of source.matchAll(PIECE)) {
    if (piece === '|') alternatives.push('')
    else alternatives.push((alternatives.pop() ?? '') + piece)
  }
  return alternatives
}

const BRACKETS = '\\[(?:\\\\[^]|[^\\]\\\\])+\\]'
const PIECE = new RegExp(`${BRACKETS}|\\\\[^]|[^]`, 'gu')
const RUN = new RegExp(
  `^(\\\\A|\\^)?(${BRACKETS}|${ESCAPE}|[^\\\\[\\](){}*+?.^$|])(\\+|\\{(\\d{1,4})(,?)(\\d{0,4})\\})?(\\\\z|\\$)?$`,
  'u',
)

function parseRun(source: string, whole: string, where: string): Run {
  const [, start, set = '', repeat, least, comma, most, end] = RUN.exec(source) ?? []
  const characters = set === '' ? undefined : parseCharacterSet(set)
  const min = least === undefined ? 1 : Number(least)
  const max = repeat === undefined ? 1 : repeat === '+' || (comma && !most) ? Infinity : comma ? Number(most) : min
  if (!characters || min < 1 || max < min) throw unsupported(whole, where)
  return { characters, start: anchorOf(start), end: anchorOf(end), min, max }
}

function anchorOf(source: string | undefined): Anchor {
  return source === undefined ? 'none' : source.startsWith('\\') ? 'text' : 'line'
}

function unsupported(pattern: string, where: string): TokenizerError {
  return new TokenizerError('This regular expression is not supported', {
    expected: 'repeated character sets',
    found: pattern,
    where,
    hint: 'SigLIP tokenizers need no other; the spiece.model of the same checkpoint does without.',
  })
}
