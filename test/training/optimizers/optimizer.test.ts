import * as tf from '@tensorflow/tfjs'
import { InputError, WeightsError } from '../../../src/errors.js'
import { Adafactor } from '../../../src/training/optimizers/adafactor.js'
import { AdamW } from '../../../src/training/optimizers/adamw.js'
import { Lion } from '../../../src/training/optimizers/lion.js'
import { Muon } from '../../../src/training/optimizers/muon.js'
import type { Optimizer, OptimizerOptions } from '../../../src/training/optimizers/optimizer.js'
import { SGD } from '../../../src/training/optimizers/sgd.js'
import { onEachBackend } from '../../backends.js'
import { deviation, readFixture } from '../../fixture.js'
import { leaked } from '../../leaks.js'

const optimizers = { AdamW, Lion, SGD, Adafactor, Muon } satisfies Record<
  string,
  new (options: OptimizerOptions) => Optimizer
>

interface Case {
  readonly optimizer: keyof typeof optimizers
  readonly settings: OptimizerOptions
  readonly parameters: readonly string[]
}

const reference = readFixture('training', 'optimizers.safetensors')
const cases = JSON.parse(reference.metadata['cases'] ?? '{}') as Record<string, Case>
const shares = JSON.parse(reference.metadata['shares'] ?? '[]') as number[]
const groups = [{ pattern: /bias|scale/, weightDecay: 0, learningRate: 5 }]

/** The parameters, their optimizer, and the steps of the fixture. */
function start(name: string) {
  const { optimizer, settings, parameters: names } = cases[name]!
  const parameters = new Map(
    names.map((key) => [key, tf.tidy(() => tf.variable(reference.tensor(`start.${key}`)))] as const),
  )
  const options = { ...settings, parameters, ...(name.endsWith('groups') ? { groups } : {}) }
  const made: Optimizer = new optimizers[optimizer](options)
  const step = (i: number) => {
    tf.tidy(() => {
      made.scaleLearningRate(shares[i]!)
      made.applyGradients(
        Object.fromEntries(
          [...parameters].map(([key, variable]) => [variable.name, reference.tensor(`gradient.${i}.${key}`)]),
        ),
      )
    })
  }
  const dispose = () => {
    made.dispose()
    tf.dispose([...parameters.values()])
  }
  return { optimizer: made, options, parameters, step, dispose }
}

onEachBackend(() => {
  describe.each(Object.keys(cases))('%s', (name) => {
    it('takes ten steps as its public implementation', () => {
      const { parameters, step, dispose } = start(name)
      for (let i = 0; i < 10; i++) step(i)
      for (const [key, variable] of parameters)
        tf.tidy(() => {
          expect(deviation(variable, reference.tensor(`${name}.${key}`))).toBeLessThan(1e-5)
        })
      dispose()
    })

    it('goes on from a saved state to the same bits', () => {
      const { optimizer, options, parameters, step, dispose } = start(name)
      for (let i = 0; i < 4; i++) step(i)
      const saved = new Map([...optimizer.state()].map(([key, variable]) => [key, tf.clone(variable)]))
      const weights = [...parameters.values()].map((variable) => tf.clone(variable))
      step(4)
      const expected = [...parameters.values()].map((variable) => [...variable.dataSync()])

      const other: Optimizer = new optimizers[cases[name]!.optimizer](options)
      other.loadState(saved)
      for (const [i, variable] of [...parameters.values()].entries()) variable.assign(weights[i]!)
      tf.tidy(() => {
        other.scaleLearningRate(shares[4]!)
        const gradients = [...parameters].map(([key, variable]) => ({
          name: variable.name,
          tensor: reference.tensor(`gradient.4.${key}`),
        }))
        other.applyGradients(gradients)
      })
      expect([...parameters.values()].map((variable) => [...variable.dataSync()])).toEqual(expected)
      other.dispose()
      dispose()
      tf.dispose([...saved.values(), ...weights])
    })

    it('leaves nothing behind', async () => {
      const run = () => {
        const { step, dispose } = start(name)
        step(0)
        dispose()
      }
      run()
      expect(await leaked(run)).toBe(0)
    })
  })

  it('computes gradients of what it moves only, and leaves the rest alone', () => {
    const [a, b] = [tf.variable(tf.ones([2])), tf.variable(tf.ones([2]))]
    const parameters = new Map([
      ['vision_model.a', a],
      ['text_model.b', b],
    ])
    const frozen = [{ pattern: /^vision_model\./, frozen: true }]
    const optimizer = new AdamW({ parameters, groups: frozen })
    const loss = () => tf.sum<tf.Scalar>(tf.square(tf.add(a, b)))
    const { grads, value } = optimizer.computeGradients(loss)
    expect(Object.keys(grads)).toEqual([b.name])
    optimizer.applyGradients({ ...grads, [a.name]: tf.ones([2]) })
    expect([...a.dataSync()]).toEqual([1, 1])
    expect(b.dataSync()[0]).toBeLessThan(1)
    expect([...optimizer.state().keys()]).toEqual(['step', 'exp_avg/text_model.b', 'exp_avg_sq/text_model.b'])
    optimizer.dispose()
    tf.dispose([a, b, value, grads])
  })

  it('refuses a state of something else, and takes none of it', () => {
    const x = tf.variable(tf.ones([2]))
    const optimizer = new Lion({ parameters: new Map([['x', x]]) })
    const state = { step: tf.scalar(3), bad: tf.ones([3]) }
    expect(() => {
      optimizer.loadState(new Map([['step', state.step]]))
    }).toThrow(/1 missing, e.g. exp_avg\/x/)
    expect(() => {
      optimizer.loadState(new Map(Object.entries({ step: state.step, 'exp_avg/x': state.bad })))
    }).toThrow(WeightsError)
    expect(optimizer.state().get('step')?.dataSync()[0]).toBe(0)
    optimizer.dispose()
    tf.dispose([x, state])
  })

  it('says that Muon moves matrices only, before anything is made', async () => {
    const x = tf.variable(tf.ones([2]))
    expect(await leaked(() => new Muon({ parameters: new Map([['x', x]]) }))).toBe(0)
    expect(() => new Muon({ parameters: new Map([['x', x]]) })).toThrow(InputError)
    const frozen = new Muon({ parameters: new Map([['x', x]]), groups: [{ pattern: /x/, frozen: true }] })
    expect(frozen.variables).toEqual([])
    frozen.dispose()
    x.dispose()
  })
})

it.each([
  ['a momentum of 1', SGD, { momentum: 1 }],
  ['a beta below 0', Lion, { betas: [0.9, -1] }],
  ['a cap above 1', Adafactor, { beta2Cap: 2 }],
  ['no number of steps', Muon, { steps: NaN }],
  ['a negative factor', AdamW, { groups: [{ pattern: /x/, learningRate: -1 }] }],
] as const)('refuses %s', (_, Class: new (options: object) => Optimizer, options) => {
  expect(() => new Class(options)).toThrow(InputError)
})
