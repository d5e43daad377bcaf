import { call, type Draw, type Operand, type Table } from '../draw.js'

/** A function of each element: `$0` stands for the operand. */
const unary =
  (...expressions: readonly string[]) =>
  (draw: Draw) => {
    const x = draw.float()
    return x && call(draw.word(...expressions), x)
  }

const functions = (names: string, of = '$0'): string[] => names.split(' ').map((name) => `tf.${name}(${of})`)

/** A function of two tensors whose shapes go together. */
const binary = (draw: Draw, expression: string, swaps = true) => {
  const x = draw.float()
  if (!x) return undefined
  const y = draw.partner(x)
  return swaps && draw.dice.chance(0.5) ? call(expression, y, x) : call(expression, x, y)
}

const isSpecial = (draw: Draw): boolean => draw.mode === 'special'

const gelu = 'tf.mul(tf.mul(0.5, $0), tf.add(1, tf.erf(tf.mul($0, Math.SQRT1_2))))'
const cubic = 'tf.add($0, tf.mul(0.044715, tf.pow($0, 3)))'
const tanhGelu = `tf.mul(tf.mul(0.5, $0), tf.add(1, tf.tanh(tf.mul(Math.sqrt(2 / Math.PI), ${cubic}))))`

export const activationNames = [
  ...['gelu', 'gelu_10', 'gelu_fast', 'gelu_pytorch_tanh', 'hardswish', 'laplace', 'leaky_relu', 'linear', 'mish'],
  ...['quick_gelu', 'relu', 'relu2', 'relu6', 'sigmoid', 'silu', 'sqrtsoftplus', 'tanh'],
]

const CONSTANTS = ['0', '1', '-1', '0.5', '2', '-0.25', '3', '1.702']

export const elementwise: Table = {
  unary: {
    weight: 8,
    draw: unary(
      ...functions('tanh sigmoid relu abs neg square softplus erf elu relu6 selu sin cos expm1 exp atan asinh'),
    ),
  },
  bounded: {
    weight: 2,
    draw: unary(
      ...functions('exp sinh cosh', 'tf.clipByValue($0, -3, 3)'),
      ...functions('asin acos atanh tan', 'tf.clipByValue($0, -0.9, 0.9)'),
      ...functions('acosh', 'tf.add(tf.abs($0), 1.1)'),
    ),
  },
  positive: { weight: 3, draw: unary(...functions('log log1p sqrt rsqrt reciprocal', 'tf.add(tf.abs($0), 0.3)')) },
  steps: { weight: 2, draw: unary(...functions('sign floor ceil round step')) },
  anyValue: {
    weight: 4,
    draw: (draw) =>
      isSpecial(draw)
        ? unary(...functions('log log1p sqrt rsqrt reciprocal exp expm1 sign floor round relu relu6 square neg'))(draw)
        : undefined,
  },
  questions: { weight: 1, hasNoGradient: true, draw: unary(...functions('isNaN isInf isFinite')) },
  leaky: { weight: 1, draw: unary('tf.leakyRelu($0, 0.1)', 'tf.leakyRelu($0)', 'tf.leakyRelu($0, 0.01)') },
  activation: {
    weight: 3,
    draw: (draw) => {
      const x = draw.float()
      return x && call(`siglip.activation('${draw.word(...activationNames)}')($0)`, x)
    },
  },
  gelu: {
    weight: 2,
    draw: unary(gelu, tanhGelu, 'tf.mul($0, tf.sigmoid($0))', 'tf.mul($0, tf.sigmoid(tf.mul(1.702, $0)))'),
  },
  chain: {
    weight: 4,
    draw: (draw) => {
      const x = draw.float()
      const names = Array.from({ length: 1 + draw.dice.roll(3) }, () =>
        draw.word('tanh', 'sigmoid', 'relu', 'square', 'softplus', 'abs', 'neg'),
      )
      return (
        x &&
        call(
          names.reduce((inner, name) => `tf.${name}(${inner})`, '$0'),
          x,
        )
      )
    },
  },
  scalar: {
    weight: 5,
    draw: (draw) => {
      const x = draw.float()
      const f = draw.word('add', 'sub', 'mul', 'div', 'maximum', 'minimum', 'squaredDifference')
      const k = draw.word(...CONSTANTS)
      if (!x) return undefined
      if (f === 'div') return call(`tf.div($0, ${k === '0' ? '41' : k})`, x)
      return call(draw.dice.chance(0.3) ? `tf.${f}(${k}, $0)` : `tf.${f}($0, ${k})`, x)
    },
  },
  binary: {
    weight: 14,
    draw: (draw) => {
      const f = draw.word('add', 'add', 'sub', 'sub', 'mul', 'mul', 'maximum', 'minimum', 'squaredDifference')
      return binary(draw, `tf.${f}($0, $1)`)
    },
  },
  quotient: {
    weight: 3,
    draw: (draw) => {
      const f = draw.word('div', 'div', 'divNoNan', 'mod', 'floorDiv')
      const isRaw = isSpecial(draw) && draw.dice.chance(0.7)
      return binary(draw, `tf.${f}($0, ${isRaw ? '$1' : 'tf.add(tf.abs($1), 0.4)'})`, false)
    },
  },
  wholeQuotient: {
    weight: 1,
    draw: (draw) =>
      binary(draw, 'tf.floor(tf.div(tf.round(tf.mul($0, tf.round($1))), tf.add(tf.abs(tf.round($1)), 1)))'),
  },
  power: {
    weight: 2,
    draw: (draw) => {
      const [x, raw] = [draw.float(), isSpecial(draw) && draw.dice.chance(0.7)]
      const base = raw ? '$0' : 'tf.add(tf.abs($0), 0.4)'
      if (!x) return undefined
      if (draw.dice.chance(0.4)) return call(`tf.pow(${base}, ${draw.word('2', '3', '0.5', '-1', '0', '1', '-2')})`, x)
      return call(`tf.pow(${base}, ${raw ? '$1' : 'tf.clipByValue($1, -2, 2)'})`, x, draw.partner(x))
    },
  },
  clip: {
    weight: 2,
    draw: (draw) => {
      const x = draw.float()
      return x && call(`tf.clipByValue($0, ${draw.word('-1', '0', '-0.3')}, ${draw.word('0.4', '1', '2')})`, x)
    },
  },
  atan2: { weight: 1, draw: (draw) => binary(draw, 'tf.atan2($0, tf.add(tf.abs($1), 0.1))', false) },
  prelu: {
    weight: 1,
    draw: (draw) => {
      const x = draw.float(({ shape }) => shape.length > 0)
      return x && call('tf.prelu($0, $1)', x, draw.fresh(x.shape.slice(-1)))
    },
  },
  addN: { weight: 1, draw: (draw) => draw.float() && sumOfThree(draw) },
  compare: {
    weight: 4,
    draw: (draw) => {
      const f = draw.word('greater', 'less', 'greaterEqual', 'lessEqual', 'equal', 'notEqual')
      return draw.dice.chance(0.3) ? unary(`tf.${f}($0, 0.0321)`)(draw) : binary(draw, `tf.${f}($0, $1)`)
    },
  },
  where: {
    weight: 4,
    draw: (draw) => {
      const condition = draw.bool()
      if (!condition) return undefined
      const x = fitting(draw, condition)
      if (draw.dice.chance(0.3)) return call('tf.where($0, $1, tf.zerosLike($1))', condition, x)
      return call('tf.where($0, $1, $2)', condition, x, fitting(draw, condition))
    },
  },
}

const sumOfThree = (draw: Draw) => {
  const x = draw.float()
  if (!x) return undefined
  return call('tf.addN([$0, $1, $0])', x, draw.fresh(x.shape))
}

const fitting = (draw: Draw, condition: Operand): Operand => {
  const floats: Operand = { ...condition, dtype: 'float32' }
  return draw.partner(floats)
}
