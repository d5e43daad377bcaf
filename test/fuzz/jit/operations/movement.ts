import { call, type Draw, type Operand, rankOf, sizeIs, type Table } from '../draw.js'
import { axesOf, divisorsOf, permutation, reshaped, type Shape, sizeOf, someAxes } from '../shapes.js'

const json = (value: unknown): string => JSON.stringify(value)

const hasAxes = (operand: Operand): boolean => rankOf(operand) > 0
const isSmall = (operand: Operand): boolean => sizeIs(5000)(operand) && rankOf(operand) > 0 && rankOf(operand) < 6

const axisOf = (draw: Draw, { shape }: Operand): number => draw.dice.roll(shape.length)

/** An operation of one value that is made from its shape. */
const of = (fits: (operand: Operand) => boolean, expression: (draw: Draw, shape: Shape) => string | undefined) => {
  return (draw: Draw) => {
    const x = draw.any(fits)
    const written = x && expression(draw, x.shape)
    return x && written !== undefined ? call(written, x) : undefined
  }
}

/** What moves elements and computes nothing. */
export const movement: Table = {
  transpose: {
    weight: 10,
    draw: of(
      ({ shape }) => shape.length > 1,
      ({ dice }, shape) => `tf.transpose($0, ${json(permutation(dice, shape))})`,
    ),
  },
  reshape: {
    weight: 7,
    draw: of(
      () => true,
      ({ dice }, shape) => `tf.reshape($0, ${json(reshaped(dice, shape))})`,
    ),
  },
  merge: {
    weight: 3,
    draw: of(
      ({ shape }) => shape.length > 1,
      ({ dice }, shape) => {
        const i = dice.roll(shape.length - 1)
        const merged = (shape[i] ?? 1) * (shape[i + 1] ?? 1)
        return `tf.reshape($0, ${json([...shape.slice(0, i), merged, ...shape.slice(i + 2)])})`
      },
    ),
  },
  divide: {
    weight: 3,
    draw: of(
      (x) => rankOf(x) > 0 && rankOf(x) < 6 && sizeOf(x.shape) > 0,
      ({ dice }, shape) => {
        const i = dice.roll(shape.length)
        const size = shape[i] ?? 1
        const divisor = dice.pick(divisorsOf(size))
        return `tf.reshape($0, ${json([...shape.slice(0, i), divisor, size / divisor, ...shape.slice(i + 1)])})`
      },
    ),
  },
  slice: {
    weight: 7,
    draw: of(hasAxes, ({ dice }, shape) => {
      const begin = shape.map((n) => (dice.chance(0.5) ? 0 : dice.roll(Math.max(1, n))))
      const size = shape.map((n, i) => {
        const left = n - (begin[i] ?? 0)
        return begin[i] === 0 && dice.chance(0.8)
          ? n
          : Math.min(left, (dice.chance(0.03) ? 0 : 1) + dice.roll(left + 1))
      })
      return `tf.slice($0, ${json(begin)}, ${json(size)})`
    }),
  },
  stridedSlice: {
    weight: 4,
    hasNoGradient: true,
    draw: of(hasAxes, ({ dice }, shape) => {
      const ranges = shape.map((n): readonly [number, number, number] => {
        if (n === 0) return [0, 0, 1]
        if (dice.chance(0.2)) return [n - 1, -n - 1, -1 - dice.roll(2)]
        const begin = dice.roll(n)
        return [dice.chance(0.2) ? begin - n : begin, Math.min(n, begin + 1 + dice.roll(n - begin)), 1 + dice.roll(3)]
      })
      const [begin, end, steps] = [0, 1, 2].map((i) => json(ranges.map((range) => range[i])))
      const mask = (chance: number): number => (dice.chance(chance) ? dice.roll(1 << Math.min(3, shape.length)) : 0)
      const shrinks = dice.chance(0.3) ? mask(1) : 0
      return `tf.stridedSlice($0, ${begin}, ${end}, ${steps}, ${mask(0.3)}, ${mask(0.3)}, 0, 0, ${shrinks})`
    }),
  },
  newAxisSlice: {
    weight: 1,
    hasNoGradient: true,
    draw: of(
      (x) => rankOf(x) > 0 && rankOf(x) < 6 && sizeOf(x.shape) > 0,
      (draw) =>
        draw.word(
          'tf.stridedSlice($0, [0, 0], [1, 1], [1, 1], 0, 3, 0, 1, 0)',
          'tf.stridedSlice($0, [0, 0], [1, 1], [1, 1], 0, 3, 1, 0, 0)',
        ),
    ),
  },
  concat: {
    weight: 4,
    draw: (draw) => {
      const x = draw.any(isSmall)
      if (!x) return undefined
      const axis = axisOf(draw, x)
      const fits = (y: Operand): boolean =>
        y.dtype === x.dtype && rankOf(y) === rankOf(x) && y.shape.every((n, i) => i === axis || n === x.shape[i])
      const fresh = (): Operand =>
        draw.fresh(
          x.shape.map((n, i) => (i === axis ? draw.dice.roll(6) : n)),
          x.dtype,
        )
      const y = (draw.dice.chance(0.7) ? draw.any((y) => y !== x && fits(y)) : undefined) ?? fresh()
      return call(`tf.concat([${draw.word('$0, $1', '$0, $1, $0', '$1, $0')}], ${axis})`, x, y)
    },
  },
  stack: {
    weight: 2,
    draw: (draw) => {
      const x = draw.any((x) => isSmall(x) || rankOf(x) === 0)
      if (!x) return undefined
      const y = draw.any((y) => y.dtype === x.dtype && json(y.shape) === json(x.shape)) ?? x
      return call(`tf.stack([$0, $1], ${draw.dice.roll(rankOf(x) + 1)})`, x, y)
    },
  },
  unstack: {
    weight: 3,
    draw: of(
      ({ shape }) => shape.some((n) => n > 0 && n <= 20),
      ({ dice }, shape) => {
        const axis = dice.pick(axesOf(shape).filter((i) => (shape[i] ?? 0) > 0 && (shape[i] ?? 99) <= 20))
        return `tf.unstack($0, ${axis})[${dice.roll(shape[axis] ?? 1)}]`
      },
    ),
  },
  split: {
    weight: 2,
    draw: of(
      ({ shape }) => shape.some((n) => n > 1),
      ({ dice }, shape) => {
        const axis = dice.pick(axesOf(shape).filter((i) => (shape[i] ?? 0) > 1))
        const size = shape[axis] ?? 2
        const first = 1 + dice.roll(size - 1)
        if (size % 2 === 0 && dice.chance(0.3)) return `tf.split($0, 2, ${axis})[${dice.roll(2)}]`
        return `tf.split($0, ${json([first, size - first])}, ${axis})[${dice.roll(2)}]`
      },
    ),
  },
  pad: {
    weight: 3,
    draw: of(
      (x) => isSmall(x) && x.dtype !== 'bool',
      (draw, shape) => {
        const { dice } = draw
        const around = shape.map(() => (dice.chance(0.4) ? [dice.roll(4), dice.roll(4)] : [0, 0]))
        return `tf.pad($0, ${json(around)}, ${draw.word('0', '0', '1', '-2')})`
      },
    ),
  },
  mirrorPad: {
    weight: 1,
    draw: of(
      (x) => isSmall(x) && rankOf(x) < 5 && sizeOf(x.shape) > 0 && x.dtype === 'float32',
      (draw, shape) => {
        const { dice } = draw
        const around = shape.map((n) => [dice.roll(Math.min(3, n)), dice.roll(Math.min(3, n))])
        return `tf.mirrorPad($0, ${json(around)}, '${draw.word('reflect', 'symmetric')}')`
      },
    ),
  },
  tile: {
    weight: 3,
    draw: of(
      isSmall,
      ({ dice }, shape) => `tf.tile($0, ${json(shape.map(() => (dice.chance(0.4) ? 1 + dice.roll(3) : 1)))})`,
    ),
  },
  broadcastTo: {
    weight: 2,
    draw: of(
      (x) => sizeIs(2000)(x) && rankOf(x) < 6,
      ({ dice }, shape) => {
        const full = shape.map((n) => (n === 1 ? 1 + dice.roll(5) : n))
        return `tf.broadcastTo($0, ${json(dice.chance(0.5) ? [1 + dice.roll(4), ...full] : full)})`
      },
    ),
  },
  reverse: {
    weight: 1,
    draw: of(
      hasAxes,
      ({ dice }, shape) =>
        `tf.reverse($0, ${json([...new Set(someAxes(dice, shape).map((a) => (a + shape.length) % shape.length))])})`,
    ),
  },
  expandDims: {
    weight: 2,
    draw: of(
      ({ shape }) => shape.length < 6,
      ({ dice }, shape) => `tf.expandDims($0, ${dice.roll(shape.length + 1)})`,
    ),
  },
  squeeze: {
    weight: 1,
    draw: of(
      ({ shape }) => shape.includes(1),
      () => 'tf.squeeze($0)',
    ),
  },
  clone: {
    weight: 1,
    draw: of(
      () => true,
      () => 'tf.clone($0)',
    ),
  },
  gather: {
    weight: 3,
    draw: of(
      ({ shape }) => shape.some((n) => n > 0),
      ({ dice }, shape) => {
        const axes = axesOf(shape).filter((i) => (shape[i] ?? 0) > 0)
        const axis = axes[0] === 0 && dice.chance(0.6) ? 0 : dice.pick(axes)
        const indices = Array.from({ length: 1 + dice.roll(6) }, () => dice.roll(shape[axis] ?? 1))
        const isMatrix = dice.chance(0.2) && shape.length < 6
        return `tf.gather($0, ${isMatrix ? `tf.tensor2d([${json(indices)}], undefined, 'int32')` : `tf.tensor1d(${json(indices)}, 'int32')`}, ${axis})`
      },
    ),
  },
  gatherByValues: {
    weight: 2,
    draw: (draw) => {
      const x = draw.any((x) => (x.shape[0] ?? 0) > 0 && isSmall(x) && rankOf(x) < 5)
      if (!x) return undefined
      const rows = x.shape[0] ?? 1
      const fits = (y: Operand): boolean =>
        rankOf(y) > 0 && rankOf(y) < 3 && (sizeOf(y.shape) * sizeOf(x.shape)) / rows < 20_000
      const indices = draw.int(fits) ?? draw.fresh([1 + draw.dice.roll(20)], 'int32')
      return call(`tf.gather($0, tf.mod(tf.abs($1), tf.scalar(${rows}, 'int32')))`, x, indices)
    },
  },
  gatherND: {
    weight: 1,
    hasNoGradient: true,
    draw: of(
      (x) => (x.shape[0] ?? 0) > 0 && x.dtype === 'float32',
      ({ dice }, shape) => {
        const rows = Array.from({ length: 1 + dice.roll(4) }, () => [dice.roll(shape[0] ?? 1)])
        return `tf.gatherND($0, tf.tensor2d(${json(rows)}, undefined, 'int32'))`
      },
    ),
  },
  scatterND: {
    weight: 1,
    hasNoGradient: true,
    draw: of(
      (x) => (x.shape[0] ?? 0) > 0 && x.dtype === 'float32' && isSmall(x),
      (draw, shape) => {
        const { dice } = draw
        const rows = dice.shuffled(Array.from({ length: shape[0] ?? 1 }, (_, i) => [i]))
        const indices = `tf.tensor2d(${json(rows)}, undefined, 'int32')`
        return draw.word(
          `tf.scatterND(${indices}, $0, ${json([(shape[0] ?? 1) + dice.roll(3), ...shape.slice(1)])})`,
          `tf.tensorScatterUpdate(tf.zerosLike($0), ${indices}, $0)`,
        )
      },
    ),
  },
  segmentSum: {
    weight: 2,
    draw: (draw) => {
      const x = draw.any((x) => hasAxes(x) && x.dtype !== 'bool')
      const count = 1 + draw.dice.roll(6)
      // Segments from −1, which is dropped, to the last.
      const segments = `tf.sub(tf.mod(tf.abs($1), tf.scalar(${count + 1}, 'int32')), tf.scalar(1, 'int32'))`
      if (!x || (draw.mode === 'grad' && x.dtype !== 'float32')) return undefined
      return call(`tf.unsortedSegmentSum($0, ${segments}, ${count})`, x, draw.fresh([x.shape[0] ?? 1], 'int32'))
    },
  },
  constants: {
    weight: 2,
    draw: (draw) => {
      const x = draw.float(hasAxes)
      const last = x?.shape.at(-1) ?? 0
      const filled = `tf.fill(${json(x?.shape)}, 0.25)`
      const made = [
        `tf.zerosLike($0)`,
        `tf.onesLike($0)`,
        filled,
        `tf.div(tf.range(0, ${last}), ${last})`,
        `tf.linspace(0, 1, ${last})`,
      ]
      return x && last > 0 ? call(`tf.add($0, ${draw.word(...made)})`, x) : undefined
    },
  },
  diagonal: {
    weight: 1,
    hasNoGradient: true,
    draw: of(
      (x) => rankOf(x) === 1 && sizeIs(64)(x) && x.dtype === 'float32',
      (draw, [n = 0]) => (n === 0 ? undefined : draw.word('tf.diag($0)', `tf.mul(tf.eye(${n}), $0)`)),
    ),
  },
  blocks: {
    weight: 1,
    hasNoGradient: true,
    draw: (draw) => {
      const x = draw.fresh([1 + draw.dice.roll(2), 4, 2, 4])
      const padding = '[[0, 0], [0, 0]]'
      const text = draw.word(
        `tf.depthToSpace($0, 2)`,
        `tf.spaceToBatchND($0, [2, 2], ${padding})`,
        `tf.batchToSpaceND(tf.tile($0, [4, 1, 1, 1]), [2, 2], ${padding})`,
        'tf.image.flipLeftRight($0)',
      )
      return call(text, x)
    },
  },
  sparse: {
    weight: 1,
    hasNoGradient: true,
    draw: (draw) => {
      const count = 1 + draw.dice.roll(5)
      const indices = json(Array.from({ length: count }, (_, i) => i * 2))
      return call(`tf.sparseToDense(tf.tensor1d(${indices}, 'int32'), $0, [${count * 2}], 0.5)`, draw.fresh([count]))
    },
  },
  broadcastArgs: {
    weight: 1,
    hasNoGradient: true,
    draw: (draw) =>
      call(
        "tf.broadcastArgs(tf.mul(tf.onesLike($0), tf.scalar(3, 'int32')), tf.tensor1d([1, 3], 'int32'))",
        draw.fresh([draw.word('1', '2').length + 1], 'int32'),
      ),
  },
}
