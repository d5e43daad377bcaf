import type { Snapshot } from './snapshot.js'

/** Where and how a run differs from what it should be. */
export interface Difference {
  readonly what: string
  readonly found: string
  readonly expected: string
  /** How many elements of the tensor are wrong. */
  readonly wrong: number
  readonly of: number
}

/** How often the spread of random roundings an element may be off: the more runs there are, the surer the spread. */
const SPREADS = 8
/** What may be lost of any number: 16 units in the last place. No spread is asked for then. */
const ALWAYS = 2 ** -20
/** Below, numbers are denormal: zero for some operations. */
const SMALLEST_NORMAL = 2 ** -126

/**
 * What is wrong with a run, element by element.
 *
 * @param samples what runs with random rounding gave (rounding.ts): none to ask whether they are needed
 * @param relative what may be lost of any number
 */
export function judged(
  expected: readonly Snapshot[],
  samples: readonly (readonly Snapshot[])[],
  found: readonly Snapshot[],
  relative = ALWAYS,
): Difference | undefined {
  for (const [i, right] of expected.entries()) {
    const actual = found[i]
    const [a, b] = [right, actual].map((of) => (of ? `${of.dtype} [${of.shape.join()}]` : 'nothing'))
    if (!actual || a !== b) return { what: right.what, expected: a ?? '', found: b ?? '', wrong: 1, of: 1 }
    const others = samples.flatMap((sample) => sample[i]?.values ?? [])
    const at = wrongElements(right, others, actual, relative)
    const [first] = at
    if (first === undefined) continue
    const spread = others.length > 0 ? `, ±${spreadOf(others, right.values[first] ?? 0, first)} by rounding` : ''
    return {
      what: `${right.what}, element ${first} of ${a ?? ''}`,
      found: String(actual.values[first]),
      expected: `${right.values[first] ?? ''}${spread}`,
      ...{ wrong: at.length, of: right.values.length },
    }
  }
  return undefined
}

function wrongElements(
  { dtype, values }: Snapshot,
  samples: readonly Snapshot['values'][],
  found: Snapshot,
  relative: number,
): number[] {
  const wrong: number[] = []
  const least = dtype === 'float32' ? SMALLEST_NORMAL : 0
  for (let i = 0; i < values.length; i++) {
    const [x, y] = [values[i] ?? 0, found.values[i] ?? 0]
    if (x === y || (Number.isNaN(x) && Number.isNaN(y))) continue
    if (kindOf(x) !== 'finite' || kindOf(y) !== 'finite') {
      // Only where rounding decides between them, as between an overflow and the largest numbers.
      const isUnstable = samples.some((sample) => kindOf(sample[i] ?? 0) !== kindOf(x))
      const isPossible = samples.some((sample) => kindOf(sample[i] ?? 0) === kindOf(y))
      if (!isUnstable || !isPossible) wrong.push(i)
      continue
    }
    const own = dtype === 'float32' ? relative * Math.abs(x) : 0
    if (Math.abs(x - y) <= own + least) continue
    if (!(Math.abs(x - y) <= own + least + SPREADS * spreadOf(samples, x, i))) wrong.push(i)
  }
  return wrong
}

/** How far an element is from itself with random rounding: without measure where it isn't even always finite. */
function spreadOf(samples: readonly Snapshot['values'][], x: number, i: number): number {
  return samples.reduce((most, sample) => {
    const distance = Math.abs((sample[i] ?? 0) - x)
    return Math.max(most, Number.isNaN(distance) ? Infinity : distance)
  }, 0)
}

function kindOf(x: number): 'NaN' | 'finite' | '∞' | '−∞' {
  if (Number.isNaN(x)) return 'NaN'
  if (Number.isFinite(x)) return 'finite'
  return x > 0 ? '∞' : '−∞'
}
