import { InputError } from '../../errors.js'

/** No data has more shards. */
const MAX_SHARDS = 1_000_000

/**
 * The names that a pattern with braces stands for, as in a shell: `a-{000..012}.tar`, `{train,val}.tar`, also several in one.
 *
 * @throws {InputError} if they are more than a million
 */
export function expandBraces(pattern: string): readonly string[] {
  const [whole, before = '', inside = ''] = /^(.*?)\{([^{}]*(?:,|\.\.)[^{}]*)\}/s.exec(pattern) ?? []
  if (whole === undefined) return [pattern]
  const rest = expandBraces(pattern.slice(whole.length))
  const choices = choicesOf(inside)
  if (choices.length * rest.length > MAX_SHARDS) {
    throw new InputError('Too many shards', { expected: `at most ${MAX_SHARDS}`, found: pattern })
  }
  return choices.flatMap((choice) => rest.map((end) => before + choice + end))
}

function choicesOf(inside: string): readonly string[] {
  const [whole, first = '', last = ''] = /^(\d+)\.\.(\d+)$/.exec(inside) ?? []
  if (whole === undefined) return inside.split(',')
  const [from, to] = [Number(first), Number(last)]
  const count = Math.abs(to - from) + 1
  if (!(count <= MAX_SHARDS))
    throw new InputError('Too many shards', { expected: `at most ${MAX_SHARDS}`, found: inside })
  const isPadded = [first, last].some((number) => number.length > 1 && number.startsWith('0'))
  const width = isPadded ? Math.max(first.length, last.length) : 0
  return Array.from({ length: count }, (_, i) => String(to < from ? from - i : from + i).padStart(width, '0'))
}
