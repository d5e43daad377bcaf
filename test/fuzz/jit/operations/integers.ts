import { call, type Draw, type Operand, rankOf, sizeIs, type Table } from '../draw.js'
import { axesOf, someAxes, together } from '../shapes.js'

const hasAxes = (operand: Operand): boolean => rankOf(operand) > 0

const ints = (draw: Draw): Operand => draw.int() ?? draw.fresh(draw.shape(), 'int32')
const bools = (draw: Draw): Operand => draw.bool() ?? draw.fresh(draw.shape(), 'bool')

/** Two of a type whose shapes go together. */
const pair = (draw: Draw, x: Operand): readonly [Operand, Operand] => [x, draw.partner(x)]

const one = "tf.scalar(1, 'int32')"
const few = "tf.scalar(50, 'int32')"

/** Whole numbers and conditions. */
export const integers: Table = {
  int: {
    weight: 3,
    hasNoGradient: true,
    draw: (draw) => {
      const f = draw.word('add', 'sub', 'maximum', 'minimum')
      return call(`tf.${f}($0, $1)`, ...pair(draw, ints(draw)))
    },
  },
  intProduct: {
    weight: 1,
    hasNoGradient: true,
    draw: (draw) =>
      call(
        draw.word(
          `tf.mul(tf.mod($0, ${few}), tf.mod($1, ${few}))`,
          `tf.squaredDifference(tf.mod($0, ${few}), tf.mod($1, ${few}))`,
        ),
        ...pair(draw, ints(draw)),
      ),
  },
  intQuotient: {
    weight: 1,
    hasNoGradient: true,
    draw: (draw) => {
      const f = draw.word('floorDiv', 'mod', 'div')
      return call(`tf.${f}($0, tf.add(tf.abs($1), ${one}))`, ...pair(draw, ints(draw)))
    },
  },
  intUnary: {
    weight: 2,
    hasNoGradient: true,
    draw: (draw) =>
      call(
        draw.word(
          'tf.abs($0)',
          'tf.neg($0)',
          'tf.sign($0)',
          'tf.relu($0)',
          `tf.square(tf.mod($0, ${few}))`,
          'tf.clipByValue($0, -2, 3)',
          'tf.relu6($0)',
        ),
        ints(draw),
      ),
  },
  intCompare: {
    weight: 2,
    hasNoGradient: true,
    draw: (draw) => {
      const f = draw.word('less', 'lessEqual', 'greater', 'greaterEqual', 'equal', 'notEqual')
      return call(`tf.${f}($0, $1)`, ...pair(draw, ints(draw)))
    },
  },
  intWhere: {
    weight: 1,
    hasNoGradient: true,
    draw: (draw) => {
      const condition = bools(draw)
      const x = draw.partner({ ...condition, dtype: 'int32' })
      return call('tf.where($0, $1, tf.zerosLike($1))', condition, x)
    },
  },
  intReduce: {
    weight: 2,
    hasNoGradient: true,
    draw: (draw) => {
      const x = draw.any((x) => x.dtype !== 'float32' && hasAxes(x))
      const f = draw.word('sum', 'max', 'min', 'mean', 'argMax', 'argMin', 'cumsum', 'prod')
      if (!x) return undefined
      if (f.startsWith('arg') || f === 'cumsum') {
        if (f === 'cumsum' && x.dtype === 'bool') return undefined
        return call(`tf.${f}($0, ${draw.dice.roll(rankOf(x))})`, x)
      }
      const axes = JSON.stringify(someAxes(draw.dice, x.shape))
      if (f === 'prod') return x.dtype === 'bool' ? undefined : call(`tf.prod(tf.clipByValue($0, -1, 1), ${axes})`, x)
      return call(`tf.${f}($0, ${axes}, ${draw.dice.chance(0.5)})`, x)
    },
  },
  logic: {
    weight: 2,
    hasNoGradient: true,
    draw: (draw) => {
      const x = bools(draw)
      const f = draw.word('logicalAnd', 'logicalOr', 'logicalXor', 'logicalNot', 'equal', 'notEqual')
      if (f === 'logicalNot') return call('tf.logicalNot($0)', x)
      const y = draw.bool(({ shape }) => together(x.shape, shape) !== undefined) ?? x
      return call(`tf.${f}($0, $1)`, x, y)
    },
  },
  anyAll: {
    weight: 1,
    hasNoGradient: true,
    draw: (draw) => {
      const x = draw.bool(hasAxes)
      if (!x) return undefined
      const axes = draw.dice.chance(0.2) ? axesOf(x.shape) : someAxes(draw.dice, x.shape)
      return call(`tf.${draw.word('any', 'all')}($0, ${JSON.stringify(axes)}, ${draw.dice.chance(0.5)})`, x)
    },
  },
  cast: {
    weight: 3,
    draw: (draw) => {
      const x = draw.mode === 'grad' ? draw.any(({ dtype }) => dtype !== 'float32') : draw.any()
      const to = draw.mode === 'grad' ? 'float32' : draw.word('float32', 'int32', 'bool', 'float32')
      return x && call(`tf.cast($0, '${to}')`, x)
    },
  },
  oneHot: {
    weight: 1,
    hasNoGradient: true,
    draw: (draw) => {
      const indices = draw.int((x) => sizeIs(2000)(x) && rankOf(x) < 5) ?? draw.fresh([1 + draw.dice.roll(20)], 'int32')
      const depth = 2 + draw.dice.roll(7)
      const hot = `tf.oneHot(tf.mod($0, tf.scalar(${depth + 1}, 'int32')), ${depth}${draw.word('', ', 0.9, -0.1')})`
      return call(draw.word(hot, `tf.cast(${hot}, 'float32')`), indices)
    },
  },
  bincount: {
    weight: 1,
    hasNoGradient: true,
    draw: (draw) => {
      const count = 1 + draw.dice.roll(30)
      return call(
        "tf.bincount(tf.mod(tf.abs($0), tf.scalar(7, 'int32')), $1, 7)",
        draw.fresh([count], 'int32'),
        draw.fresh([count]),
      )
    },
  },
}
