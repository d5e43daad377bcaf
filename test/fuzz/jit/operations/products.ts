import { call, type Draw, type Operand, rankOf, type Table } from '../draw.js'
import { LIMIT, permutation, type Shape, sizeOf, SIZES, together } from '../shapes.js'

/** The most multiplications of a product. */
const MAX_WORK = 2e6

const isMatrix = (operand: Operand): boolean => rankOf(operand) > 1

const dimensionsOf = ({ shape }: Operand): readonly [batch: Shape, rows: number, columns: number] => [
  shape.slice(0, -2),
  shape.at(-2) ?? 1,
  shape.at(-1) ?? 1,
]

/** Keeps numbers as large as they were. */
const scaled = (product: string, k: number): string => (k > 1 ? `tf.mul(${product}, ${1 / Math.sqrt(k)})` : product)

/** One of the sizes at hand, mostly one that there is. */
const someSize = (draw: Draw, shape: Shape): number => draw.dice.pick(draw.dice.chance(0.6) ? shape : SIZES)

/** x or xᵀ by one of the values or a new one, or its transpose; batches may repeat. */
function matMul(draw: Draw) {
  const x = draw.float(isMatrix)
  if (!x) return undefined
  const [left, right] = [draw.dice.chance(0.3), draw.dice.chance(0.5)]
  const [batch, p, q] = dimensionsOf(x)
  const [m, k] = left ? [q, p] : [p, q]
  const fits = (y: Operand): boolean =>
    isMatrix(y) && (right ? y.shape.at(-1) : y.shape.at(-2)) === k && goTogether(draw, batch, y.shape.slice(0, -2))
  const fresh = (): Operand => {
    const n = someSize(draw, x.shape)
    const some = draw.dice.chance(0.5) ? [] : batch.map((size) => (draw.dice.chance(0.2) ? 1 : size))
    const own = draw.mode === 'grad' ? batch : some
    return draw.fresh([...own, ...(right ? [n, k] : [k, n])], 'float32', own.length === 0 ? 'weight' : 'data')
  }
  const y = (draw.dice.chance(0.4) ? draw.float(fits) : undefined) ?? fresh()
  const n = (right ? y.shape.at(-2) : y.shape.at(-1)) ?? 1
  const size = sizeOf(together(batch, y.shape.slice(0, -2)) ?? []) * m * n
  if (size > LIMIT || size * k > MAX_WORK) return undefined
  return call(scaled(`tf.matMul($0, $1, ${left}, ${right})`, k), x, y)
}

/** tfjs has no gradient where batches repeat. */
const goTogether = (draw: Draw, a: Shape, b: Shape): boolean =>
  draw.mode === 'grad' ? String(a) === String(b) : together(a, b) !== undefined

const ACTIVATIONS = [
  '$P',
  'tf.relu($P)',
  '((y) => tf.mul(tf.mul(0.5, y), tf.add(1, tf.erf(tf.mul(y, Math.SQRT1_2)))))($P)',
  '((y) => tf.mul(y, tf.sigmoid(y)))($P)',
  '((y) => tf.mul(y, tf.sigmoid(tf.mul(1.702, y))))($P)',
  "siglip.activation('gelu_pytorch_tanh')($P)",
]

/** A product, and after it what an epilogue may take up: a factor, a bias, an activation, a residual. */
function layer(draw: Draw) {
  const x = draw.float(isMatrix)
  if (!x) return undefined
  const [, , k] = dimensionsOf(x)
  const n = someSize(draw, x.shape)
  const rows = sizeOf(x.shape) / Math.max(1, k)
  if (rows * n > LIMIT || rows * n * k > MAX_WORK) return undefined
  const isTransposed = draw.dice.chance(0.6)
  const weight = draw.fresh(isTransposed ? [n, k] : [k, n], 'float32', 'weight')
  const bias = draw.fresh([n], 'float32', 'weight')
  let text = scaled(`tf.matMul(tf.reshape($0, [${rows}, ${k}]), $1, false, ${isTransposed})`, k)
  if (draw.dice.chance(0.7)) text = `tf.add(${text}, $2)`
  text = draw.dice.pick(ACTIVATIONS).replace('$P', text)
  text = `tf.reshape(${text}, ${JSON.stringify([...x.shape.slice(0, -1), n])})`
  return call(draw.dice.chance(0.4) && n === k ? `tf.add(${text}, $0)` : text, x, weight, bias)
}

/** A product plus what lies in memory in its own way, transposed at the end perhaps. */
function sumOfProduct(draw: Draw) {
  const x = draw.float(isMatrix)
  if (!x) return undefined
  const [batch, m, k] = dimensionsOf(x)
  const n = someSize(draw, x.shape)
  const shape = [...batch, m, n]
  if (sizeOf(shape) > LIMIT || sizeOf(shape) * k > MAX_WORK) return undefined
  const weight = draw.fresh(
    draw.mode === 'grad' || draw.dice.chance(0.5) ? [...batch, k, n] : [k, n],
    'float32',
    'weight',
  )
  const [other, text] = addend(draw, shape)
  const sum = `tf.${draw.word('add', 'add', 'sub')}(${scaled('tf.matMul($0, $1)', k)}, ${text})`
  const activated = draw.dice.chance(0.3) ? `tf.relu(${sum})` : sum
  const order = JSON.stringify(permutation(draw.dice, shape))
  return call(draw.dice.chance(0.4) ? `tf.transpose(${activated}, ${order})` : activated, x, weight, other)
}

/** Something of this shape, or that repeats to it, as an expression of `$2`. */
function addend(draw: Draw, shape: Shape): readonly [Operand, string] {
  const swapped = [...shape.slice(0, -2), shape.at(-1) ?? 1, shape.at(-2) ?? 1]
  const axes = shape.map((_, i) => i)
  const order = [...axes.slice(0, -2), axes.length - 1, axes.length - 2]
  const wide = shape.map((n, i) => (i === shape.length - 1 ? n * 2 : n))
  const zeros = shape.map(() => 0)
  const steps = shape.map((_, i) => (i === shape.length - 1 ? 2 : 1))
  switch (draw.dice.roll(7)) {
    case 0:
      return [draw.fresh(swapped), `tf.transpose($2, ${JSON.stringify(order)})`]
    case 1:
      return [draw.fresh(wide), `tf.slice($2, ${JSON.stringify(zeros)}, ${JSON.stringify(shape)})`]
    case 2:
      return [
        draw.fresh(wide),
        `tf.stridedSlice($2, ${JSON.stringify(zeros)}, ${JSON.stringify(wide)}, ${JSON.stringify(steps)})`,
      ]
    case 3:
      if (shape.length < 6) return [draw.fresh([...shape, 2]), `tf.unstack($2, ${shape.length})[1]`]
      return [draw.fresh(shape), '$2']
    case 4:
      return [draw.fresh(shape.slice(-1)), '$2']
    case 5:
      return [draw.fresh(shape.map((n) => (draw.dice.chance(0.4) ? 1 : n))), '$2']
    default:
      return [draw.fresh(shape), '$2']
  }
}

/** softmax(scale · q·kᵀ + mask)·v */
function attention(draw: Draw) {
  const known = draw.float(({ shape }) => shape.length === 4 && (shape[2] ?? 0) <= 130 && (shape[2] ?? 0) > 0)
  const { dice } = draw
  const q =
    known ?? draw.fresh([1 + dice.roll(2), 1 + dice.roll(3), dice.pick(SIZES), dice.pick([1, 3, 8, 16, 17, 32])])
  const [batch = 1, heads = 1, length = 1, size = 1] = q.shape
  const keys = dice.pick([length, length, 1, 7, 33])
  if (batch * heads * length * keys > LIMIT || batch * heads * keys * size > LIMIT) return undefined
  const k = draw.fresh([dice.chance(0.2) && draw.mode !== 'grad' ? 1 : batch, heads, keys, size])
  const v = draw.fresh([batch, dice.chance(0.1) && draw.mode !== 'grad' ? 1 : heads, keys, size])
  const scores = dice.pick([
    'tf.matMul($0, $1, false, true)',
    'tf.mul(tf.matMul($0, $1, false, true), 0.25)',
    'tf.mul(0.35, tf.matMul($0, $1, false, true))',
    'tf.matMul($0, tf.transpose($1, [0, 1, 3, 2]))',
  ])
  const whole = (masked: string): string => `tf.matMul(tf.softmax(${masked}), $2)`
  switch (dice.roll(4)) {
    case 0:
      return call(whole(scores), q, k, v)
    case 1: {
      const shape = dice.pick([
        [batch, 1, 1, keys],
        [length, keys],
        [batch, heads, length, keys],
        [1, 1, length, keys],
        [keys],
      ])
      return call(whole(`tf.add(${scores}, $3)`), q, k, v, draw.fresh(shape))
    }
    case 2: {
      // A mask of ones and zeros; a row may be masked wholly.
      const mask = draw.fresh([batch, keys], 'bool')
      return call(
        `tf.matMul(siglip.attentionWeights($0, $1, siglip.additiveMask(tf.cast($3, 'int32'))), $2)`,
        q,
        k,
        v,
        mask,
      )
    }
    default: {
      const seen = draw.fresh([length, keys], 'bool')
      const hidden = draw.mode === 'grad' ? '-1e9' : draw.word('-1e9', '-Infinity')
      return call(whole(`tf.add(${scores}, tf.where($3, tf.scalar(0), tf.scalar(${hidden})))`), q, k, v, seen)
    }
  }
}

function fusedMatMul(draw: Draw) {
  const x = draw.float((x) => rankOf(x) === 2 && sizeOf(x.shape) > 0)
  if (!x) return undefined
  const [, m, k] = dimensionsOf(x)
  const n = someSize(draw, x.shape)
  if (m * n > LIMIT || m * n * k > MAX_WORK) return undefined
  const [weight, bias] = [draw.fresh([k, n], 'float32', 'weight'), draw.fresh([n], 'float32', 'weight')]
  const activation = draw.word('linear', 'relu', 'elu', 'sigmoid', 'relu6')
  return call(`tf.fused.matMul({ a: $0, b: $1, bias: $2, activation: '${activation}' })`, x, weight, bias)
}

function einsum(draw: Draw) {
  const x = draw.float((x) => rankOf(x) > 1 && rankOf(x) < 5)
  if (!x) return undefined
  const [k, n] = [x.shape.at(-1) ?? 1, draw.dice.pick(SIZES.slice(0, 18))]
  const batch = 'abc'.slice(0, rankOf(x) - 2)
  const [y, other] = draw.dice.chance(0.5) ? ['kn', [k, n]] : ['nk', [n, k]]
  const result = draw.word(`${batch}in`, `${batch}ni`)
  if ((sizeOf(x.shape) / Math.max(1, k)) * n > LIMIT) return undefined
  return call(scaled(`tf.einsum('${batch}ik,${y}->${result}', $0, $1)`, k), x, draw.fresh(other))
}

function dot(draw: Draw) {
  const x = draw.float((x) => rankOf(x) === 1 || rankOf(x) === 2)
  if (!x) return undefined
  const k = x.shape.at(-1) ?? 1
  return call(scaled('tf.dot($0, $1)', k), x, draw.fresh(draw.dice.chance(0.5) ? [k] : [k, 3]))
}

/** Sums of products. */
export const products: Table = {
  matMul: { weight: 9, draw: matMul },
  layer: { weight: 6, draw: layer },
  sumOfProduct: { weight: 6, draw: sumOfProduct },
  attention: { weight: 3, draw: attention },
  fusedMatMul: { weight: 1, draw: fusedMatMul },
  einsum: { weight: 1, draw: einsum },
  dot: { weight: 1, draw: dot },
  outerProduct: {
    weight: 1,
    draw: (draw) => {
      const x = draw.float((x) => rankOf(x) === 1)
      return x && call('tf.outerProduct($0, $1)', x, draw.fresh([draw.dice.pick(SIZES)]))
    },
  },
}
