import * as tf from '@tensorflow/tfjs'
import fc from 'fast-check'

import { activations, type Program } from '../../src/jit/program/program.js'
import { onEveryEngine } from '../backends.js'
import { expectAsPlain, programOf, viewOf } from './expect-as-plain.js'

const size = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.constantFrom(64, 65, 131))
const drawn = fc.record({
  batch: fc.integer({ min: 1, max: 3 }),
  m: size,
  k: fc.oneof({ weight: 4, arbitrary: size }, { weight: 1, arbitrary: fc.constantFrom(769, 3100) }),
  n: size,
  aTransposed: fc.boolean(),
  bTransposed: fc.boolean(),
  bShared: fc.boolean(),
  bias: fc.boolean(),
  residual: fc.boolean(),
  alpha: fc.constantFrom(1, 0.125),
  activation: fc.constantFrom(...activations),
  precision: fc.constantFrom('float32' as const, 'bfloat16' as const),
})
type Drawn = typeof drawn extends fc.Arbitrary<infer T> ? T : never

/** The order in memory of `[batch, rows, columns]`, the last two perhaps swapped. */
const order = (transposed: boolean) => (transposed ? [0, 2, 1] : [0, 1, 2])

function product({ batch, m, k, n, aTransposed, bTransposed, bShared, bias, residual, ...rest }: Drawn): Program {
  const b = viewOf(1, [batch, k, n], 'float32', order(bTransposed))
  const [, ...bStrides] = b.strides
  return programOf(
    [
      { kind: 'argument', index: 0 },
      { kind: 'argument', index: 1 },
      { kind: 'result', index: 0, shape: [batch, m, n], dtype: 'float32' },
      { kind: 'argument', index: 2 },
      { kind: 'argument', index: 3 },
    ],
    [
      {
        kind: 'product',
        a: viewOf(0, [batch, m, k], 'float32', order(aTransposed)),
        b: bShared ? { ...b, strides: [0, ...bStrides] } : b,
        c: viewOf(2, [batch, m, n]),
        keep: false,
        ...(bias ? { bias: viewOf(3, [n]) } : {}),
        // The same for all of the batch, as positions are.
        ...(residual ? { residual: { ...viewOf(4, [batch, m, n]), strides: [0, n, 1] } } : {}),
        ...rest,
      },
    ],
  )
}

function operands({ batch, m, k, n, bShared }: Drawn): tf.Tensor[] {
  return [
    tf.randomNormal([batch, m, k], 0, 1, 'float32', 1),
    tf.randomNormal([bShared ? 1 : batch, k, n], 0, k ** -0.5, 'float32', 2),
    tf.randomNormal([n], 0, 1, 'float32', 3),
    tf.randomNormal([m, n], 0, 1, 'float32', 4),
  ]
}

onEveryEngine((engine) => {
  it('gives the plain sum for every size, stride and epilogue', () => {
    fc.assert(
      fc.property(drawn, (sizes) => {
        tf.tidy(() => {
          expectAsPlain(engine(), product(sizes), operands(sizes), sizes.precision === 'float32' ? 4e-6 : 0.02)
        })
      }),
      { numRuns: 40 },
    )
  })

  const cuts = {
    'many rows': { batch: 1, m: 197, k: 1100, n: 130, aTransposed: false, bTransposed: true },
    'few rows': { batch: 1, m: 33, k: 200, n: 700, aTransposed: false, bTransposed: true },
    'few columns': { batch: 1, m: 700, k: 200, n: 33, aTransposed: false, bTransposed: false },
    'great depth': { batch: 1, m: 70, k: 1100, n: 130, aTransposed: true, bTransposed: false },
    'many matrices': { batch: 5, m: 70, k: 90, n: 130, aTransposed: true, bTransposed: false },
  }
  const cases = Object.entries(cuts).flatMap(([name, cut]) =>
    (['float32', 'bfloat16'] as const).map((precision) => ({ name, cut, precision })),
  )
  it.each(cases)('gives the same bits with any number of threads for $name in $precision', ({ cut, precision }) => {
    const sizes: Drawn = {
      ...{ ...cut, bShared: false },
      ...{ bias: true, residual: true, alpha: 1, activation: 'geluTanh', precision },
    }
    const inputs = operands(sizes)
    const { kernels, threads } = engine()
    for (const set of engine().usable) {
      engine().setKernels(set)
      const executable = engine().compile(product(sizes))
      const runs = [1, 2, 3].map((count) => {
        engine().setThreads(count)
        return executable.run(inputs, []).map((tensor) => tensor.dataSync())
      })
      executable.dispose()
      expect({ set, second: runs[1], third: runs[2] }).toEqual({ set, second: runs[0], third: runs[0] })
    }
    engine().setKernels(kernels)
    engine().setThreads(threads)
  })
})
