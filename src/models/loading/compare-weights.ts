import { nearest } from '../../../converters/formats/nearest.js'
import { WeightsError } from '../../errors.js'

/** Which weights are missing, unexpected or of another shape. */
export interface LoadingInfo {
  readonly missingKeys: readonly string[]
  readonly unexpectedKeys: readonly string[]
  readonly mismatchedKeys: readonly {
    readonly name: string
    readonly expected: readonly number[]
    readonly found: readonly number[]
  }[]
}

/** Compares what a model declares with what there is: names and shapes. */
export function compareWeights(
  expected: ReadonlyMap<string, readonly number[]>,
  found: ReadonlyMap<string, readonly number[]>,
): LoadingInfo {
  const same = (a: readonly number[], b: readonly number[]): boolean =>
    a.length === b.length && a.every((n, i) => n === b[i])
  return {
    missingKeys: [...expected.keys()].filter((name) => !found.has(name)),
    unexpectedKeys: [...found.keys()].filter((name) => !expected.has(name)),
    mismatchedKeys: [...expected].flatMap(([name, shape]) => {
      const other = found.get(name)
      return other && !same(shape, other) ? [{ name, expected: shape, found: other }] : []
    }),
  }
}

/** All that is wrong in one message, with the nearest name beside a missing one; `hint` is what else may be done about it. */
export function weightsError(info: LoadingInfo, available: Iterable<string>, where: string, hint = ''): WeightsError {
  const candidates = info.unexpectedKeys.length > 0 ? info.unexpectedKeys : [...available]
  const withNearest = (name: string): string => {
    const near = nearest(name, candidates)
    return near ? `${name} (nearest: ${near})` : name
  }
  const summary = [
    listed('missing', info.missingKeys, withNearest),
    listed('unexpected', info.unexpectedKeys, (name) => name),
    listed(
      'of another shape',
      info.mismatchedKeys,
      ({ name, expected, found }) => `${name} (expected [${expected.join(', ')}], found [${found.join(', ')}])`,
    ),
  ]
  return new WeightsError(`weights do not fit the model: ${summary.flat().join('; ')}`, {
    where,
    hint: `Check that config.json belongs to these weights. ${hint}`.trim(),
  })
}

/** How many there are, and the first of them: describing a name by its nearest takes long where there are thousands. */
function listed<T>(what: string, faults: readonly T[], describe: (fault: T) => string): string[] {
  if (faults.length === 0) return []
  const more = faults.length > 8 ? ` and ${faults.length - 8} more` : ''
  return [`${faults.length} ${what}: ${faults.slice(0, 8).map(describe).join(', ')}${more}`]
}
