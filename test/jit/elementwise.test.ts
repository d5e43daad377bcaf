import * as tf from '@tensorflow/tfjs'
import fc from 'fast-check'

import { type BufferSource, type Program, elementwiseOps, type View } from '../../src/jit/program/program.js'
import { onEveryEngine, onEveryKernel } from '../backends.js'
import { bitsOf, expectAsPlain, instruction, programOf, viewOf } from './expect-as-plain.js'

type Op = (typeof elementwiseOps)[number]

/** A row program over `shape` with one result, which is added up where `kept` says false. */
function rowProgram(
  shape: readonly number[],
  inputs: readonly View[],
  code: readonly (readonly number[])[],
  kept: readonly boolean[] = shape.map(() => true),
): Program {
  const resultShape = shape.filter((_, d) => kept[d])
  const contiguous = viewOf(inputs.length, resultShape).strides
  let next = 0
  const strides = shape.map((_, d) => (kept[d] ? (contiguous[next++] ?? 0) : 0))
  const buffers: BufferSource[] = inputs.map((_, index) => ({ kind: 'argument', index }))
  buffers.push({ kind: 'result', index: 0, shape: resultShape, dtype: 'float32' })
  const slots = 1 + Math.max(0, ...code.map(([, to = 0]) => to))
  const outputs: View[] = [{ ...viewOf(inputs.length, shape), strides }]
  return programOf(buffers, [
    { kind: 'elementwise', shape, inputs, outputs, slots, code: Int32Array.from(code.flat()) },
  ])
}

const elements = elementwiseOps
  .slice(elementwiseOps.indexOf('negative'))
  .filter((op) => op !== 'select' && op !== 'multiplyAdd')
const special = [0, -0, 1, -1, 0.5, 2.5, -3.5, 7, -80, 87, 1e-8, -1e-8, 1e30, NaN, Infinity, -Infinity]

/** Instructions on four slots whose values stay small, ending in the slot that is stored. */
const codes = fc
  .record({
    inputs: fc.integer({ min: 1, max: 3 }),
    ops: fc.array(
      fc.tuple(
        fc.constantFrom<Op>(
          ...([
            'rowSum',
            'rowMax',
            'constant',
            'negative',
            'square',
            'tanh',
            'exp',
            'relu',
            'divide',
            'select',
          ] as const),
          ...(['add', 'subtract', 'multiply', 'maximum', 'squaredDifference', 'multiplyAdd', 'less'] as const),
        ),
        fc.nat(3),
        fc.nat(3),
        fc.nat(3),
        fc.nat(3),
      ),
      { minLength: 1, maxLength: 14 },
    ),
  })
  .map(({ inputs, ops }) => {
    const code: number[][] = []
    const bound = [0, 1, 2, 3].map(() => 4)
    for (let slot = 0; slot < 4; slot++) code.push(instruction('load', slot, slot % inputs))
    for (const [op, to, a, b, c] of ops) {
      const [x, y, z] = [bound[a] ?? 0, bound[b] ?? 0, bound[c] ?? 0]
      if (op === 'divide') {
        // by something that isn't small
        code.push(instruction('exp', b, b), instruction('add', b, b, b), instruction('constant', to, bitsOf(1)))
        code.push(instruction('add', b, b, to), instruction('divide', to, a, b))
        bound[b] = 2 * Math.exp(y) + 1
      } else if (op === 'constant') code.push(instruction(op, to, bitsOf(a - 1.5)))
      else code.push(instruction(op, to, a, b, c))
      const larger =
        op === 'exp'
          ? Math.exp(x)
          : op === 'rowSum'
            ? 1e3 * x
            : op === 'select'
              ? Math.max(y, z)
              : x * x + x * y + y * y + z + 2
      bound[to] = larger
      for (const slot of [to, b]) {
        if ((bound[slot] ?? 0) > 4) {
          code.push(instruction('tanh', slot, slot))
          bound[slot] = 1
        }
      }
    }
    return { inputs, code, last: ops.at(-1)?.[1] ?? 0 }
  })

onEveryEngine((engine) => {
  it.each(elements)('%s of every kind of number', (op) => {
    // C's powers of ±1 to what is infinite or no number are 1, JavaScript's NaN.
    const differs = (a: number, b: number): boolean => op === 'power' && Math.abs(a) === 1 && !Number.isFinite(b)
    const pairs = special.flatMap((a) => special.filter((b) => !differs(a, b)).map((b) => [a, b] as const))
    const drawn = tf.randomNormal([300], 0, 3, 'float32', 1).dataSync()
    const x = tf.tensor1d([...pairs.map(([a]) => a), ...drawn])
    const y = tf.tensor1d([...pairs.map(([, b]) => b), ...drawn.toReversed()])
    const code = [
      instruction('load', 0, 0),
      instruction('load', 1, 1),
      instruction(op, 2, 0, 1),
      instruction('store', 0, 2),
    ]
    const p = rowProgram([x.size], [viewOf(0, [x.size]), viewOf(1, [x.size])], code)
    expectAsPlain(engine(), p, [x, y], 5e-7, 'each')
  })

  it('random programs over random loops', () => {
    const loops = fc
      .array(fc.integer({ min: 1, max: 7 }), { minLength: 0, maxLength: 3 })
      .chain((outer) =>
        fc.tuple(fc.constant(outer), fc.oneof(fc.integer({ min: 1, max: 40 }), fc.constantFrom(196, 300))),
      )
      .map(([outer, columns]) => [...outer, columns])
    const layouts = fc.array(fc.tuple(fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }), fc.boolean()), {
      minLength: 3,
      maxLength: 3,
    })
    fc.assert(
      fc.property(
        loops,
        codes,
        layouts,
        fc.option(fc.array(fc.boolean(), { minLength: 4, maxLength: 4 })),
        (shape, drawn, layout, kept) => {
          const inputs = layout.slice(0, drawn.inputs).map(([repeats, turned], i) => {
            const order = shape.map((_, d) => (turned ? shape.length - 1 - d : d))
            const small = shape.map((size, d) => (repeats[d] ? 1 : size))
            const whole = viewOf(i, small, 'float32', order)
            return { ...whole, shape, strides: whole.strides.map((stride, d) => (repeats[d] ? 0 : stride)) }
          })
          const args = inputs.map(({ strides }, i) =>
            tf.randomUniform(
              [shape.reduce((size, n, d) => (strides[d] ? size * n : size), 1)],
              -2,
              2,
              'float32',
              i + 1,
            ),
          )
          const end = instruction(kept ? 'storeSum' : 'store', 0, drawn.last)
          const p = rowProgram(shape, inputs, [...drawn.code, end], kept?.slice(0, shape.length))
          expectAsPlain(engine(), p, args, 1e-4)
          tf.dispose(args)
        },
      ),
      { numRuns: 60, seed: 7 }, // some others draw programs that cancel, and then float32 has no 1e-4 left
    )
  })

  it('a softmax of rows that no cache holds', () => {
    const code = [
      instruction('load', 0, 0),
      instruction('rowMax', 1, 0),
      instruction('subtract', 0, 0, 1),
      instruction('exp', 0, 0),
      instruction('rowSum', 1, 0),
      instruction('divide', 0, 0, 1),
      instruction('store', 0, 0),
    ]
    const shape = [2, 100_003]
    expectAsPlain(
      engine(),
      rowProgram(shape, [viewOf(0, shape)], code),
      [tf.randomNormal(shape, 0, 2, 'float32', 1)],
      1e-6,
    )
  })

  it('the sum of a million numbers, to the last digits and always the same', () => {
    const shape = [1_000_003]
    const code = [instruction('load', 0, 0), instruction('storeSum', 0, 0)]
    const p = rowProgram(shape, [viewOf(0, shape)], code, [false])
    const x = tf.randomUniform(shape, 0, 1, 'float32', 1)
    expectAsPlain(engine(), p, [x], 1e-7)
    const executable = engine().compile(p)
    const sums = Array.from({ length: 20 }, () => executable.run([x], [])[0]?.dataSync()[0])
    executable.dispose()
    expect(new Set(sums).size).toBe(1)
  })

  describe('sums', () => {
    /** Sums over the dimensions that are not kept, by each set of kernels and one to three threads. */
    function sumsOf(x: tf.Tensor, kept: readonly boolean[]): ReadonlyMap<string, readonly Float32Array[]> {
      const code = [instruction('load', 0, 0), instruction('square', 1, 0), instruction('storeSum', 0, 1)]
      const executable = engine().compile(rowProgram(x.shape, [viewOf(0, x.shape)], code, kept))
      const { kernels, threads, usable } = engine()
      try {
        const sums = usable.map((set) => {
          engine().setKernels(set)
          const results = [1, 2, 3].map((count) => {
            engine().setThreads(count)
            return executable.run([x], []).flatMap((tensor) => tensor.dataSync<'float32'>())
          })
          return [set, results.flat()] as const
        })
        return new Map(sums)
      } finally {
        executable.dispose()
        engine().setKernels(kernels)
        engine().setThreads(threads)
      }
    }

    it.each([
      [3, 700, 48],
      [3, 300, 5000],
      [5, 3, 4],
      [4, 20_000, 3],
      [3, 2, 9000],
      [2, 1, 300_000],
    ])('of a batch of %i are the same to the bit by themselves, with any number of threads: %i × %i', (batch, m, n) => {
      for (const kept of [
        [true, false, true],
        [true, true, false],
        [true, false, false],
      ]) {
        const x = tf.randomUniform([batch, m, n], -1, 1, 'float32', 3)
        const together = sumsOf(x, kept)
        for (let i = 0; i < batch; i++) {
          const alone = sumsOf(tf.slice(x, [i, 0, 0], [1, m, n]), kept)
          for (const [set, [first, ...others]] of alone) {
            const size = first?.length ?? 0
            const parts = (together.get(set) ?? []).map((sums) => sums.slice(i * size, (i + 1) * size))
            for (const sums of [...others, ...parts])
              expect(sums.every((sum, k) => Object.is(sum, first?.[k]))).toBe(true)
          }
        }
      }
    })
  })
})

onEveryKernel((engine) => {
  it('sums of two long rows take little more memory than the result, however many threads there are', () => {
    const shape = [2, 9_000_000]
    const code = [instruction('load', 0, 0), instruction('storeSum', 0, 0)]
    const executable = engine().compile(rowProgram(shape, [viewOf(0, shape)], code, [false, true]))
    const { threads } = engine()
    engine().setThreads(16)
    try {
      const x = tf.square(tf.ones(shape))
      const before = process.memoryUsage.rss()
      const [sum] = executable.run([x], [])
      expect(process.memoryUsage.rss() - before).toBeLessThan(4 * 9_000_000 + 2 ** 26)
      expect(sum && tf.min(sum).dataSync()[0]).toBe(2)
    } finally {
      executable.dispose()
      engine().setThreads(threads)
    }
  })
})
