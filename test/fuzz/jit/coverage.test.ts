import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'

import * as tf from '@tensorflow/tfjs'

import { activations, elementwiseOps } from '../../../src/jit/program/program.js'
import { translatedOperations } from '../../../src/jit/rewrites/canonical.js'
import { tables } from '../../../src/backend/engine/tables.js'
import { NATIVE } from '../../../src/backend/backend-report.js'
import { onEngine } from '../../backends.js'
import { type Coverage, coverageOf } from './coverage.js'
import { operations } from './operations/table.js'

const COMPLEX = 'complex numbers are not recorded'
const DEPENDENT = 'the shape of its result depends on values, which is not recorded'

/** tfjs' kernels that no program runs, and why. */
const kernelsLeftOut: Readonly<Record<string, string>> = {
  ...{ Complex: COMPLEX, ComplexAbs: COMPLEX, FFT: COMPLEX, IFFT: COMPLEX, Imag: COMPLEX, Real: COMPLEX },
  ...{
    NonMaxSuppressionV3: DEPENDENT,
    NonMaxSuppressionV4: DEPENDENT,
    NonMaxSuppressionV5: DEPENDENT,
    Unique: DEPENDENT,
  },
  Multinomial: 'random numbers are not recorded',
  StaticRegexReplace: 'strings are not recorded',
}

/** The kind of step that runs a kernel, if its name is another one. */
const stepOf: Readonly<Record<string, string>> = { gemm: 'product', elementwise: 'elementwise' }

const OTHER_NAME = 'tfjs-node calls another operation that does the same, or none'

/** TensorFlow's operations that the engine knows and no program has, and why. */
const operationsLeftOut: Readonly<Record<string, string>> = {
  ...{ AddV2: OTHER_NAME, BatchMatMul: OTHER_NAME, BroadcastTo: OTHER_NAME, ClipByValue: OTHER_NAME, Div: OTHER_NAME },
  ...{ Identity: OTHER_NAME, Inv: OTHER_NAME, LogSoftmax: OTHER_NAME, MatMul: OTHER_NAME, SelectV2: OTHER_NAME },
  ...{ Split: OTHER_NAME, Squeeze: OTHER_NAME, StopGradient: OTHER_NAME },
}

onEngine((engine) => {
  let coverage: Coverage
  const missing = (names: readonly string[], covered: ReadonlySet<string>): string[] =>
    names.filter((name) => !covered.has(name)).sort()

  /** What should be covered, on each level; beside it what is left out. */
  const levels: readonly (readonly [string, keyof Coverage, () => readonly string[], object])[] = [
    ['operation of the table', 'table', () => Object.keys(operations), {}],
    [
      "one of tfjs' kernels",
      'kernels',
      () => tf.getKernelsForBackend(NATIVE).map(({ kernelName }) => kernelName),
      kernelsLeftOut,
    ],
    ['operation that the engine knows', 'operations', () => translatedOperations, operationsLeftOut],
    ['kind of step', 'steps', () => tables.steps, {}],
    ['end of a product', 'epilogues', () => [...activations, 'bias', 'residual'], {}],
    ['operation on rows', 'elementwiseOps', () => elementwiseOps, { multiplyAdd: 'no rule makes it' }],
  ]

  beforeAll(() => {
    coverage = coverageOf(engine().host, 60, (covered) =>
      levels.every(([, level, names, left]) => missing(names(), covered[level]).length <= Object.keys(left).length),
    )
  }, 300_000)

  it("runs each of the engine's kernels", () => {
    const [, table = ''] = /struct Kernels \{(.*?)\n\};/s.exec(engineText('kernels/kernels.h')) ?? []
    const kernels = [...table.matchAll(/\(\*(\w+)\)/g)].map(([, name = '']) => stepOf[name] ?? camelCase(name))
    expect(kernels).toContain('product')
    // Products by weights call these two.
    expect(missing(kernels, coverage.steps)).toEqual(['pack', 'packedBytes'])
  })

  it.each(levels)('has every %s, or says why not', (_, level, names, left) => {
    expect(missing(names(), coverage[level])).toEqual(Object.keys(left).sort())
  })
})

const engineText = (file: string): string => readFileSync(join(process.cwd(), 'native', file), 'utf8')

const camelCase = (name: string): string => name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase())
