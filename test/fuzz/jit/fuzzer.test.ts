import * as tf from '@tensorflow/tfjs'

import type { GraphEngine } from '../../../src/jit/record/recorded-function.js'
import { onEngine } from '../../backends.js'
import { engineOf, faultOf, type Machine, targetOf } from './check.js'
import { Dice } from './dice.js'
import { generate } from './generate.js'
import { judged } from './judge.js'
import type { Program } from './program.js'
import { withRandomRounding } from './rounding.js'
import { runPlain, subjectOf } from './run.js'
import { type Snapshot, snapshotOf } from './snapshot.js'
import { specimenOf } from './specimen.js'

const seeds = Array.from({ length: 25 }, (_, seed) => seed)

const programOf = (
  seed: number,
  mode: Program['mode'] = 'normal',
  fits: (program: Program) => boolean = () => true,
): Program => {
  for (let i = seed; ; i += 1000) {
    const program = generate(i, mode)
    if (program && fits(program)) return program
  }
}

const isFloat = ({ what, dtype, values }: Snapshot): boolean =>
  what.startsWith('result') && dtype === 'float32' && values.length > 0

onEngine((engine) => {
  /** The engine, with what its results are made into. */
  const machine = (spoil: (results: tf.Tensor[], uses: (op: string) => boolean) => tf.Tensor[]): Machine => ({
    engine: (precision) => spoilt(engineOf(engine())(precision), spoil),
    targets: [targetOf(engine(), engine().kernels, 1)],
  })

  it.each(seeds)('sees one wrong element in the results of program %i', async (seed) => {
    const drawn = programOf(seed, 'normal', (program) => runPlain(program).some(isFloat))
    const program: Program = { ...drawn, calling: 'sync', assigned: [] }
    const dice = new Dice(seed)
    const fault = await faultOf(
      subjectOf(program),
      machine((results) => {
        const first = results.find(({ dtype, size }) => dtype === 'float32' && size > 0)
        return results.map((tensor) => (tensor === first ? off(tensor, dice) : tensor))
      }),
    )
    expect(fault).toMatchObject({ kind: 'differs', wrong: 1 })
  })

  it.each(seeds)('takes another rounding of program %i for none', (seed) => {
    for (const mode of ['normal', 'special', 'grad'] as const) {
      const program = programOf(seed, mode)
      const run = () => runPlain(program)
      const samples = Array.from({ length: 16 }, (_, i) => withRandomRounding(i, false, run))
      expect(judged(run(), samples, withRandomRounding(99, false, run))).toBeUndefined()
    }
  })

  // What is right, what other roundings give, what is found, and whether that may be.
  it.each([
    [[1, 2], [[1, 2.1]], [1, 2.5], true],
    [[1, 2], [[1, 2.1]], [1.1, 2], false],
    [[Infinity], [[Infinity], [Infinity]], [NaN], false],
    [[Infinity], [[Infinity], [3e38]], [3e38], true],
    [[Infinity], [[Infinity], [3e38]], [NaN], false],
    [[Infinity], [[Infinity], [3e38]], [-Infinity], false],
    [[-Infinity], [[NaN], [-Infinity]], [Infinity], true],
    [[NaN], [[NaN], [NaN]], [-Infinity], false],
    [[NaN], [[Infinity], [NaN]], [-Infinity], true],
    [[NaN], [[Infinity], [NaN]], [1], false],
    [[1], [[1], [1]], [NaN], false],
  ])('judges %p with %p beside it, and %p found: %p', (right, others, found, isRight) => {
    const seen = (values: readonly number[]): Snapshot[] => [
      { what: 'x', shape: [values.length], dtype: 'float32', values: Float32Array.from(values) },
    ]
    expect(judged(seen(right), others.map(seen), seen(found)) === undefined).toBe(isRight)
  })

  it('knows that sums whose terms overflow with both signs are −∞ in some orders, and not after it', () => {
    const large = tf.tensor2d([[3e38, 3e38]])
    const terms = tf.tensor2d([3e38, 0.1, 3e38, -3e38, 0.1, -2e38], [2, 3])
    const run = () => [
      snapshotOf(
        'weights',
        tf.tidy(() => tf.softmax(tf.matMul(large, terms))),
      ),
    ]
    const found = { ...{ what: 'weights', shape: [1, 3] }, dtype: 'float32' as const, values: Float32Array.of(0, 1, 0) }
    const samples = Array.from({ length: 16 }, (_, i) => withRandomRounding(i, false, run))
    expect(run().map(plainValues)).toEqual([[NaN, NaN, NaN]])
    expect(judged(run(), samples, [found])).toBeUndefined()
    expect(judged(run(), samples, [{ ...found, values: Float32Array.of(Infinity, 1, 0) }])).toBeDefined()
    tf.dispose([large, terms])
  })

  it('knows that a sum may overflow before an activation that ends in finite numbers', () => {
    const [a, b] = [tf.tensor2d([[3e38, 3e38]]), tf.tensor2d([[3e38], [-3e38]])]
    const run = () => [
      snapshotOf(
        'result',
        tf.tidy(() => tf.fused.matMul({ a, b, activation: 'sigmoid' })),
      ),
    ]
    const samples = Array.from({ length: 8 }, (_, i) => withRandomRounding(i, false, run))
    const found = { ...{ what: 'result', shape: [1, 1] }, dtype: 'float32' as const, values: Float32Array.of(1) }
    expect(run().map(plainValues)).toEqual([[NaN]])
    expect(judged(run(), samples, [found])).toBeUndefined()
    tf.dispose([a, b])
  })

  it('assigns no variable to itself, which tfjs refuses', () => {
    for (const seed of [3003010, 3003145, 3006065]) {
      for (const mode of ['normal', 'bf16'] as const) {
        const program = generate(seed, mode)
        if (program) expect(() => runPlain(program)).not.toThrow()
      }
    }
  })

  it('sees what is refused and what leaks', async () => {
    const subject = subjectOf({ ...programOf(1), calling: 'sync' })
    const refusing = machine(() => {
      throw new RangeError('no')
    })
    expect(await faultOf(subject, refusing)).toMatchObject({ kind: 'refused', error: { message: 'no' } })
    const lost: tf.Tensor[] = []
    const leaking = machine((results) => {
      lost.push(tf.keep(tf.scalar(1)))
      return results
    })
    expect(await faultOf(subject, leaking)).toMatchObject({ kind: 'leaks', tensors: lost.length })
    tf.dispose(lost)
  })

  it('keeps exact what needs no rounding', () => {
    const exact: Program = {
      ...programOf(1),
      inputs: [
        { name: 'x0', kind: 'argument', shape: [50], dtype: 'float32', fill: 'grid', seed: 1 },
        { name: 'x1', kind: 'argument', shape: [50], dtype: 'float32', fill: 'grid', seed: 2 },
      ],
      statements: [
        {
          ...{ name: 'v0', operation: '', operands: ['x0', 'x1'] },
          expression: 'tf.div(tf.mul($0, tf.add(tf.abs($1), 1)), tf.add(tf.abs($1), 1))',
        },
        { name: 'v1', operation: '', operands: ['v0'], expression: 'tf.sum(tf.transpose(tf.reshape($0, [5, 10])), 0)' },
      ],
      ...{ results: ['v0', 'v1'], assigned: [] },
    }
    const run = () => runPlain(exact)
    expect(withRandomRounding(1, false, run).map(plainValues)).toEqual(run().map(plainValues))
  })

  it('makes what fails as small as it can', async () => {
    const wrong = machine((results, uses) => (uses('Tanh') ? results.map(another) : results))
    let found = 0
    for (let seed = 0; found < 3; seed++) {
      const specimen = specimenOf(seed, 'normal')
      if (!specimen?.text.includes('tf.tanh(')) continue
      const { text } = await specimen.shrunk(async (subject) => (await faultOf(subject, wrong))?.kind === 'differs')
      expect(text).toContain('tanh')
      expect(text.match(/const v\d+ =/g)).toHaveLength(1)
      found++
    }
  }, 120_000)
})

const plainValues = ({ values }: { readonly values: ArrayLike<number> }): number[] => Array.from(values, (x) => x + 0)

/** The tensor with all values changed. */
function another(tensor: tf.Tensor): tf.Tensor {
  const made = tf.tidy(() => tf.cast(tf.add(tf.cast(tensor, 'float32'), 1), tensor.dtype))
  tensor.dispose()
  return made
}

/** The tensor with one element a thousandth off. */
function off(tensor: tf.Tensor, dice: Dice): tf.Tensor {
  const values = Float32Array.from(tensor.dataSync())
  const at = dice.roll(values.length)
  values[at] = (values[at] ?? 0) * 1.001 + 0.001
  const { shape } = tensor
  tensor.dispose()
  return tf.tensor(values, shape)
}

function spoilt(
  engine: GraphEngine,
  spoil: (results: tf.Tensor[], uses: (op: string) => boolean) => tf.Tensor[],
): GraphEngine {
  return {
    ...engine,
    compile(graph, variables) {
      const executable = engine.compile(graph, variables)
      const text = new Set<string>()
      const open = graph.results.map(({ node }) => node)
      for (let node = open.pop(); node; node = open.pop()) {
        if (node.kind !== 'operation') continue
        text.add(node.op)
        open.push(...node.inputs.map((input) => input.node))
      }
      const uses = (op: string): boolean => text.has(op)
      return {
        ...executable,
        run: (...given) => spoil(executable.run(...given), uses),
        start(...given) {
          const running = executable.start(...given)
          return { ...running, finish: () => spoil(running.finish(), uses) }
        },
      }
    },
  }
}
