import * as tf from '@tensorflow/tfjs'
import { ConfigError } from '../../src/errors.js'
import { activation, activationNames } from '../../src/layers/activation.js'
import { onEachBackend } from '../backends.js'
import { deviation, readFixture } from '../fixture.js'
import { ParameterScope } from '../../src/layers/module.js'

const scopeOf = (parameters: Map<string, tf.Variable>) => {
  const scope = ParameterScope.random(1).within('test')
  return (...declared: Parameters<ParameterScope['parameter']>) => {
    const parameter = scope.parameter(...declared)
    parameters.set(declared[0], parameter.variable)
    return parameter
  }
}

onEachBackend(() => {
  it('has every activation of the reference', () => {
    const inReference = readFixture('activations', 'expected.safetensors')
      .names()
      .filter((name) => name.endsWith('.value'))
      .map((name) => name.slice(0, -'.value'.length))
    expect([...activationNames].sort()).toEqual(inReference)
  })

  it.each(activationNames)('%s has the values and gradients of the reference', (name) => {
    const reference = readFixture('activations', 'expected.safetensors')
    const parameters = new Map<string, tf.Variable>()
    const f = activation(name, scopeOf(parameters))
    tf.tidy(() => {
      const x = reference.tensor('x')
      expect(deviation(f(x), reference.tensor(`${name}.value`))).toBeLessThan(1e-5)
      const gradient = tf.grad((input) => tf.mul(f(input), 1))(x) // tfjs differentiates no function without an operation
      expect(deviation(gradient, reference.tensor(`${name}.gradient`))).toBeLessThan(1e-5)
      for (const learned of reference.names(`${name}.gradient.`)) {
        const variable = parameters.get(learned.slice(`${name}.gradient.`.length))!
        const { grads } = tf.variableGrads(() => tf.sum(f(x)), [variable])
        expect(deviation(grads[variable.name]!, reference.tensor(learned))).toBeLessThan(1e-5)
      }
    })
    tf.dispose([...parameters.values()])
  })
})

it('names the activations that there are', () => {
  expect(() => activation('swiglu', scopeOf(new Map()))).toThrow(ConfigError)
  expect(() => activation('swiglu', scopeOf(new Map()))).toThrow(/one of gelu, .*swiglu.*hidden_act/)
  expect(() => activation('constructor', scopeOf(new Map()))).toThrow(ConfigError)
})
