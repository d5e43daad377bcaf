/**
 * The candidate that `name` was probably meant to be, for error messages: the one with the fewest letters to insert, delete, replace
 * or swap with their neighbour, if those are no more than a third of the longer of the two.
 */
export function nearest(name: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined
  let fewest = Infinity
  for (const candidate of candidates) {
    const limit = Math.min(fewest - 1, Math.floor(Math.max(name.length, candidate.length) / 3))
    const edits = distance(name, candidate, limit)
    if (edits <= limit) {
      best = candidate
      fewest = edits
    }
  }
  return best
}

/** The number of edits between two strings (optimal string alignment), or something above `limit` if there are more. */
function distance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return Infinity
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = (last[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      const swapped = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? (beforeLast[j - 2] ?? Infinity) + 1 : Infinity
      row.push(Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, replaced, swapped))
    }
    if (!row.some((edits) => edits <= limit)) return Infinity
    beforeLast = last
    last = row
  }
  return last[b.length] ?? Infinity
}
