import * as tf from '@tensorflow/tfjs'
import { ConfigError } from '../errors.js'
import { constant } from './initializers.js'
import type { ParameterScope } from './module.js'

/** A function of each element. */
export type Activation = <T extends tf.Tensor>(x: T) => T

/** Declares a parameter of the layer that the activation is part of; see {@link ParameterScope.parameter}. */
export type Declare = ParameterScope['parameter']

const ROOT = Math.sqrt(2 / Math.PI)
const CUBIC = 0.044715

const tanhGelu: Activation = (x) => withSlope(x, tanhGeluValue, tanhGeluSlope)

const tanhGeluValue: Activation = (x) => {
  const inner = tf.mul(ROOT, tf.add(x, tf.mul(CUBIC, tf.mul(x, tf.square(x)))))
  return tf.mul(tf.mul(0.5, x), tf.add(1, tf.tanh(inner)))
}

/** Of x·s with s = σ(2u) = (1 + tanh u)/2, which takes half as many operations: s + x·s·(1 − s)·2u′. */
const tanhGeluSlope: Activation = (x) => {
  const square = tf.square(x)
  const s = tf.sigmoid(tf.mul(x, tf.add(2 * ROOT, tf.mul(2 * ROOT * CUBIC, square))))
  const slope = tf.mul(x, tf.add(2 * ROOT, tf.mul(6 * ROOT * CUBIC, square)))
  return tf.add(s, tf.mul(tf.mul(s, tf.sub(1, s)), slope))
}

/** A function of each element whose gradient is known: tfjs needn't go back through its operations. */
function withSlope<T extends tf.Tensor>(x: T, value: Activation, slope: Activation): T {
  const known = tf.customGrad((...given) => {
    const save = given.at(-1)
    if (typeof save === 'function') save([x])
    return { value: value(x), gradFunc: (dy: T, saved) => saved.map((x) => tf.mul(dy, slope(x))) }
  })
  return known(x)
}

const gelu: Activation = (x) => tf.mul(tf.mul(0.5, x), tf.add(1, tf.erf(tf.mul(x, Math.SQRT1_2))))
const silu: Activation = (x) => tf.mul(x, tf.sigmoid(x))

/** `ACT2CLS` of transformers' `activations.py`, under its names; the two learned ones declare their parameters. */
const activations = {
  gelu: () => gelu,
  gelu_10: () => (x) => tf.clipByValue(gelu(x), -10, 10),
  gelu_accurate: () => tanhGelu,
  gelu_fast: () => (x) => {
    const inner = tf.mul(tf.mul(x, 0.7978845608), tf.add(1, tf.mul(0.044715, tf.square(x))))
    return tf.mul(tf.mul(0.5, x), tf.add(1, tf.tanh(inner)))
  },
  gelu_new: () => tanhGelu,
  gelu_python: () => gelu,
  gelu_python_tanh: () => tanhGelu,
  gelu_pytorch_tanh: () => tanhGelu,
  hardswish: () => (x) => tf.mul(x, tf.div(tf.clipByValue(tf.add(x, 3), 0, 6), 6)),
  laplace: () => (x) => tf.mul(0.5, tf.add(1, tf.erf(tf.div(tf.sub(x, 0.707107), 0.282095 * Math.SQRT2)))),
  leaky_relu: () => (x) => tf.leakyRelu(x, 0.01),
  linear: () => (x) => x,
  mish: () => (x) => tf.mul(x, tf.tanh(tf.softplus(x))),
  prelu: (declare) => {
    const weight = declare('weight', [1], constant(0.25))
    const learned: Activation = (x) => tf.add(tf.relu(x), tf.mul(weight.read(), tf.minimum(x, 0)))
    return learned
  },
  quick_gelu: () => (x) => tf.mul(x, tf.sigmoid(tf.mul(1.702, x))),
  relu: () => (x) => tf.relu(x),
  relu2: () => (x) => tf.square(tf.relu(x)),
  relu6: () => (x) => tf.relu6(x),
  sigmoid: () => (x) => tf.sigmoid(x),
  silu: () => silu,
  sqrtsoftplus: () => (x) => tf.sqrt(tf.softplus(x)),
  swish: () => silu,
  tanh: () => (x) => tf.tanh(x),
  xielu: (declare) => {
    // Its starting values are rounded to bfloat16 in transformers. Source: arXiv 2411.13010, equation 9.
    const alphaP = declare('alpha_p', [1], constant(0.2041015625))
    const alphaN = declare('alpha_n', [1], constant(-1.046875))
    const beta = declare('beta', [], constant(0.5), false)
    const eps = declare('eps', [], constant(-9.98377799987793e-7), false)
    const learned: Activation = (x) => {
      const positive = tf.add(tf.mul(tf.softplus(alphaP.read()), tf.square(x)), tf.mul(beta.read(), x))
      const slope = tf.add(beta.read(), tf.softplus(alphaN.read()))
      const negative = tf.add(tf.mul(tf.sub(tf.expm1(tf.minimum(x, eps.read())), x), slope), tf.mul(beta.read(), x))
      const side = tf.step(x) // tfjs has no gradient through a comparison
      return tf.add(tf.mul(side, positive), tf.mul(tf.sub(1, side), negative))
    }
    return learned
  },
} satisfies Record<string, (declare: Declare) => Activation>

/** The names that a configuration's `hidden_act` may have. */
export type ActivationName = keyof typeof activations
export const activationNames: readonly string[] = Object.keys(activations)

/** @throws {ConfigError} for a name that transformers doesn't know */
export function checkActivationName(name: unknown): asserts name is ActivationName {
  if (typeof name === 'string' && Object.hasOwn(activations, name)) return
  const expected = `one of ${activationNames.join(', ')}`
  throw new ConfigError('unknown activation', { expected, found: String(name), where: 'hidden_act' })
}

/** @throws {ConfigError} for a name that transformers doesn't know */
export function activation(name: string, declare: Declare): Activation {
  checkActivationName(name)
  return activations[name](declare)
}
