import * as tf from '@tensorflow/tfjs'
import fc from 'fast-check'

import type { ElementType, Program, Step } from '../../src/jit/program/program.js'
import { onEveryEngine } from '../backends.js'
import { expectAsPlain, programOf, viewOf } from './expect-as-plain.js'

const types = ['float32', 'int32', 'bool'] as const

/** Copies from memory in one order of dimensions to another, by way of `between` in the order of the shape. */
function copies(
  shape: readonly number[],
  order: readonly number[],
  from: ElementType,
  between: ElementType,
  to: (typeof types)[number],
): Program {
  const bytes = 4 * shape.reduce((size, n) => size * n, 1)
  const place = viewOf(1, shape, between)
  const flat = [...order].map((d) => shape[d] ?? 1)
  const steps: Step[] = [
    { kind: 'copy', from: viewOf(0, shape, from, order), to: place },
    { kind: 'copy', from: place, to: viewOf(2, shape, to, order) },
  ]
  return programOf(
    [
      { kind: 'argument', index: 0 },
      { kind: 'arena', offset: 0, bytes: Math.max(64, bytes) },
      { kind: 'result', index: 0, shape: flat, dtype: to },
    ],
    steps,
  )
}

const numbers = (shape: number[], dtype: (typeof types)[number], seed: number): tf.Tensor =>
  dtype === 'bool'
    ? tf.greater(tf.randomNormal(shape, 0, 1, 'float32', seed), 0)
    : tf.randomUniform(shape, -99, 99, dtype, seed)

onEveryEngine((engine) => {
  it('copies every order of dimensions and type to every other', () => {
    const shapes = fc.array(fc.oneof(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 7, max: 70 })), {
      minLength: 1,
      maxLength: 4,
    })
    const cases = shapes
      .filter((shape) => shape.reduce((size, n) => size * n, 1) < 30_000)
      .chain((shape) =>
        fc.tuple(
          fc.constant(shape),
          fc.shuffledSubarray(
            shape.map((_, d) => d),
            { minLength: shape.length },
          ),
        ),
      )
    const type = fc.constantFrom(...types)
    fc.assert(
      fc.property(
        cases,
        type,
        fc.constantFrom<ElementType>(...types, 'bfloat16'),
        type,
        ([shape, order], a, between, b) => {
          const x = numbers(shape, a, 1)
          // Memory in the order of the dimensions: the tensor's own shape doesn't matter.
          expectAsPlain(engine(), copies(shape, order, a, between, b), [x], 0)
          x.dispose()
        },
      ),
      { numRuns: 60 },
    )
  })

  it('gathers rows and adds rows up by number', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 30 }),
        fc.integer({ min: 1, max: 700 }),
        fc.integer({ min: 1, max: 60 }),
        (n, d, r) => {
          const numbersOfRows = tf.randomUniform([r], 0, n, 'int32', 1)
          const gather: Step = {
            kind: 'gather',
            table: viewOf(0, [n, d]),
            indices: viewOf(1, [r], 'int32'),
            to: viewOf(2, [r, d]),
          }
          const sum: Step = {
            kind: 'segmentSum',
            values: viewOf(2, [r, d]),
            segments: viewOf(1, [r], 'int32'),
            to: viewOf(3, [n, d]),
          }
          const p = programOf(
            [
              { kind: 'argument', index: 0 },
              { kind: 'argument', index: 1 },
              { kind: 'arena', offset: 0, bytes: Math.max(64, 4 * r * d) },
              { kind: 'result', index: 0, shape: [n, d], dtype: 'float32' },
            ],
            [gather, sum],
          )
          const table = tf.randomNormal([n, d], 0, 1, 'float32', 1)
          expectAsPlain(engine(), p, [table, numbersOfRows], 1e-6)
          tf.dispose([table, numbersOfRows])
        },
      ),
      { numRuns: 25 },
    )
  })
})
