import * as tf from '@tensorflow/tfjs'
import fc from 'fast-check'

import type { Program, View } from '../../src/jit/program/program.js'
import { onEveryEngine } from '../backends.js'
import { expectAsPlain, programOf, viewOf } from './expect-as-plain.js'

interface Sizes {
  readonly batch: number
  readonly heads: number
  readonly length: number
  readonly size: number
  readonly precision: 'float32' | 'bfloat16'
}

/** Self-attention as a layer has it: q, k and v lie beside one another in [rows, 3·hidden]. */
function selfAttention({ batch, heads, length, size, precision }: Sizes, mask?: View): Program {
  const hidden = heads * size
  const shape = [batch, heads, length, size]
  const part = (i: number): View => ({
    ...viewOf(0, shape),
    offset: i * hidden,
    strides: [3 * length * hidden, size, 3 * hidden, 1],
  })
  const out = { ...viewOf(1, shape), strides: [length * hidden, size, hidden, 1] }
  return programOf(
    [
      { kind: 'argument', index: 0 },
      { kind: 'result', index: 0, shape: [batch * length, hidden], dtype: 'float32' },
      ...(mask ? [{ kind: 'argument', index: 1 } as const] : []),
    ],
    [
      {
        kind: 'attention',
        q: part(0),
        k: part(1),
        v: part(2),
        out,
        scale: size ** -0.5,
        precision,
        ...(mask ? { mask } : {}),
      },
    ],
  )
}

const random = ({ batch, heads, length, size }: Sizes): tf.Tensor =>
  tf.randomNormal([batch * length, 3 * heads * size], 0, 1, 'float32', 1)

const tolerance = { float32: 2e-6, bfloat16: 0.02 }

onEveryEngine((engine) => {
  it('gives the plain sum for every size', () => {
    const sizes = fc.record({
      batch: fc.integer({ min: 1, max: 2 }),
      heads: fc.integer({ min: 1, max: 3 }),
      length: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.constantFrom(64, 65, 100)),
      size: fc.oneof(fc.integer({ min: 1, max: 33 }), fc.constantFrom(64, 72, 128)),
      precision: fc.constantFrom('float32' as const, 'bfloat16' as const),
    })
    fc.assert(
      fc.property(sizes, (drawn) => {
        const x = random(drawn)
        expectAsPlain(engine(), selfAttention(drawn), [x], tolerance[drawn.precision])
        x.dispose()
      }),
      { numRuns: 30 },
    )
  })

  it.each(['float32', 'bfloat16'] as const)(
    'leaves out what a mask says, in %s; a row with nothing left means all alike',
    (precision) => {
      const sizes: Sizes = { batch: 2, heads: 2, length: 37, size: 16, precision }
      const least = -3.4028234663852886e38
      const drawn = tf.randomUniform([2, 37], 0, 1, 'float32', 1).dataSync()
      // The second sequence is masked wholly.
      const values = Float32Array.from(drawn, (x, i) => (i >= 37 || x < 0.4 ? least : 0))
      const shape = [2, 2, 37, 37]
      const mask: View = { ...viewOf(2, shape), strides: [37, 0, 0, 1] }
      expectAsPlain(
        engine(),
        selfAttention(sizes, mask),
        [random(sizes), tf.tensor2d(values, [2, 37])],
        tolerance[precision],
      )
    },
  )

  it('takes a mask of its own for each query', () => {
    const sizes: Sizes = { batch: 1, heads: 3, length: 41, size: 8, precision: 'float32' }
    const mask: View = { ...viewOf(2, [1, 3, 41, 41]), strides: [0, 0, 41, 1] }
    expectAsPlain(
      engine(),
      selfAttention(sizes, mask),
      [random(sizes), tf.randomNormal([41, 41], 0, 2, 'float32', 2)],
      2e-6,
    )
  })
})
