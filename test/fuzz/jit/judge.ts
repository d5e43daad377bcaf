import type { Snapshot } from './snapshot.js'

// Looked up once: each global costs time under jest.
const { abs, max } = Math
const { isFinite, isNaN } = Number

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
    if (x === y || (isNaN(x) && isNaN(y))) continue
    if (kindOf(x) !== 'finite' || kindOf(y) !== 'finite') {
      if (!possibleKinds(x, samples, i).has(kindOf(y))) wrong.push(i)
      continue
    }
    const own = dtype === 'float32' ? relative * abs(x) : 0
    if (abs(x - y) <= own + least) continue
    if (!(abs(x - y) <= own + least + SPREADS * spreadOf(samples, x, i))) wrong.push(i)
  }
  return wrong
}

/**
 * What kinds of number an element is by rounding: not finite only where an overflow is decided by it. Where infinities of both signs
 * or an infinity and what infinities of both signs add up to are possible, overflows meet, and the order of a sum decides which of
 * the three it is.
 */
function possibleKinds(x: number, samples: readonly Snapshot['values'][], i: number): ReadonlySet<Kind> {
  const kinds = new Set([kindOf(x), ...samples.map((sample) => kindOf(sample[i] ?? 0))])
  return OVERFLOWS.filter((kind) => kinds.has(kind)).length > 1 ? new Set([...kinds, ...OVERFLOWS]) : kinds
}

/** How far an element is from itself with random rounding: without measure where it isn't even always finite. */
function spreadOf(samples: readonly Snapshot['values'][], x: number, i: number): number {
  return samples.reduce((most, sample) => {
    const distance = abs((sample[i] ?? 0) - x)
    return max(most, isNaN(distance) ? Infinity : distance)
  }, 0)
}

type Kind = 'finite' | (typeof OVERFLOWS)[number]
const OVERFLOWS = ['NaN', '∞', '−∞'] as const

function kindOf(x: number): Kind {
  if (isNaN(x)) return 'NaN'
  if (isFinite(x)) return 'finite'
  return x > 0 ? '∞' : '−∞'
}
