import { call, type Draw, type Operand, rankOf, type Table } from '../draw.js'
import { LIMIT, SIZES, sizeOf } from '../shapes.js'
import { activationNames } from './elementwise.js'

const isTokens = (x: Operand): boolean => rankOf(x) === 3 && sizeOf(x.shape) > 0 && sizeOf(x.shape) < 8000

/** `[batch, length, hidden]`, one of the values if there is one. */
const tokens = (draw: Draw): Operand =>
  draw.float(isTokens) ??
  draw.fresh([1 + draw.dice.roll(3), draw.dice.pick(SIZES.slice(0, 20)), draw.dice.pick([4, 8, 12, 16, 32])])

const weight = (draw: Draw, ...shape: readonly number[]): Operand => draw.fresh(shape, 'float32', 'weight')

/** Embeddings of as many images as texts. */
function embeddings(draw: Draw): readonly [Operand, Operand] {
  const known = draw.float((x) => rankOf(x) === 2 && sizeOf(x.shape) > 0 && (x.shape[0] ?? 0) <= 64)
  const images = known ?? draw.fresh([1 + draw.dice.roll(9), draw.dice.pick([3, 8, 16])])
  return [images, draw.fresh(images.shape)]
}

/** As src/layers/layer-norm.ts has it. */
const layerNorm = (() => {
  const normalised = 'tf.mul(centred, tf.rsqrt(tf.add(tf.mean(tf.square(centred), -1, true), 1e-6)))'
  return `((centred) => tf.add(tf.mul(${normalised}, $1), $2))(tf.sub($0, tf.mean($0, -1, true)))`
})()

const length1 = (name: string): string => `tf.div(${name}, tf.add(tf.norm(${name}, 2, 1, true), 0.1))`

const given = `imageEmbeds: ${length1('$0')}, textEmbeds: ${length1('$1')}, logitScale: $2, logitBias: $3`

/** What the models and losses are made of. */
export const layers: Table = {
  linear: {
    weight: 3,
    draw: (draw) => {
      const x = draw.float((x) => rankOf(x) > 1 && sizeOf(x.shape) > 0)
      if (!x) return undefined
      const [k, n] = [x.shape.at(-1) ?? 1, draw.dice.pick(draw.dice.chance(0.6) ? x.shape : SIZES)]
      if ((sizeOf(x.shape) / k) * n > LIMIT || sizeOf(x.shape) * n > 2e6) return undefined
      const text = `siglip.linear(tf.mul($0, ${1 / Math.sqrt(k)}), $1, $2)`
      return call(
        draw.dice.chance(0.3) ? `siglip.activation('${draw.word(...activationNames)}')(${text})` : text,
        x,
        weight(draw, n, k),
        weight(draw, n),
      )
    },
  },
  mlp: {
    weight: 1,
    draw: (draw) => {
      const x = tokens(draw)
      const [k, n] = [x.shape.at(-1) ?? 1, draw.dice.pick([4, 16, 20, 33])]
      const inner = `siglip.activation('${draw.word(...activationNames)}')(siglip.linear(tf.mul($0, ${1 / Math.sqrt(k)}), $1, $2))`
      const text = `tf.add($0, siglip.linear(tf.mul(${inner}, ${1 / Math.sqrt(n)}), $3, $4))`
      return call(text, x, weight(draw, n, k), weight(draw, n), weight(draw, k, n), weight(draw, k))
    },
  },
  layerNorm: {
    weight: 2,
    draw: (draw) => {
      const x = draw.float((x) => rankOf(x) > 0 && sizeOf(x.shape) > 0)
      if (!x) return undefined
      const size = x.shape.at(-1) ?? 1
      return call(layerNorm, x, weight(draw, size), weight(draw, size))
    },
  },
  selfAttention: {
    weight: 2,
    draw: (draw) => {
      const x = tokens(draw)
      const [batch = 1, length = 1, hidden = 1] = x.shape
      const heads = draw.dice.pick([1, 2, 3, 4].filter((n) => hidden % n === 0))
      if (batch * heads * length * length > LIMIT) return undefined
      const part = (i: number): string =>
        `siglip.splitHeads(siglip.linear(tf.mul($0, ${1 / Math.sqrt(hidden)}), $${i}, $4), ${heads})`
      const isMasked = draw.dice.chance(0.5)
      const mask = isMasked ? ", siglip.additiveMask(tf.cast($5, 'int32'))" : ''
      const text = `tf.add($0, siglip.joinHeads(tf.matMul(siglip.attentionWeights(${part(1)}, ${part(2)}${mask}), ${part(3)})))`
      const weights = [1, 2, 3].map(() => weight(draw, hidden, hidden))
      const seen = isMasked ? [draw.fresh([batch, length], 'bool')] : []
      return call(text, x, ...weights, weight(draw, hidden), ...seen)
    },
  },
  positions: {
    weight: 1,
    draw: (draw) => {
      const [grid, hidden] = [1 + draw.dice.roll(4), draw.dice.pick([1, 4, 12])]
      const table = draw.fresh([grid * grid, hidden], 'float32', 'weight')
      return call(`siglip.interpolatePositions($0, ${grid}, ${1 + draw.dice.roll(5)}, ${1 + draw.dice.roll(5)})`, table)
    },
  },
  embedding: {
    weight: 1,
    draw: (draw) => {
      const [rows, hidden, length] = [2 + draw.dice.roll(30), draw.dice.pick([1, 4, 12, 33]), 1 + draw.dice.roll(9)]
      const ids = draw.fresh([1 + draw.dice.roll(3), length], 'int32')
      const text = `tf.add(tf.gather($0, tf.mod(tf.abs($1), tf.scalar(${rows}, 'int32'))), $2)`
      return call(text, weight(draw, rows, hidden), ids, weight(draw, length, hidden))
    },
  },
  contrastiveLoss: {
    weight: 1,
    draw: (draw) => {
      const [images, texts] = embeddings(draw)
      const operands = [images, texts, draw.fresh([]), draw.fresh(draw.dice.chance(0.5) ? [] : [1])]
      const chunk = Math.ceil((images.shape[0] ?? 1) / (1 + draw.dice.roll(3)))
      return call(
        draw.word(
          `siglip.sigmoidLoss({ ${given} })`,
          `siglip.chunkedSigmoidLoss({ ${given}, chunkSize: ${chunk} })`,
          `tf.add(siglip.softmaxLoss({ ${given} }), tf.mean($3))`,
        ),
        ...operands,
      )
    },
  },
  weightedLoss: {
    weight: 1,
    draw: (draw) => {
      const [images, texts] = embeddings(draw)
      const n = images.shape[0] ?? 1
      const more = "labels: tf.cast($4, 'float32'), weights: tf.abs($5)"
      const f = draw.word('sigmoidLoss', 'softmaxLoss')
      const operands = [draw.fresh([]), draw.fresh([]), draw.fresh([n, n], 'bool'), draw.fresh([n, n])]
      return call(`siglip.${f}({ ${given}, ${more} })`, images, texts, ...operands)
    },
  },
  classificationLoss: {
    weight: 1,
    draw: (draw) => {
      const logits = draw.float((x) => rankOf(x) === 2 && sizeOf(x.shape) > 0) ?? draw.fresh([4, 3])
      const [batch = 1, count = 1] = logits.shape
      if (draw.dice.chance(0.5)) {
        const classes = `tf.mod(tf.abs($1), tf.scalar(${count}, 'int32'))`
        return call(
          `siglip.classificationLoss($0, ${classes}, 'single_label_classification')`,
          logits,
          draw.fresh([batch], 'int32'),
        )
      }
      const problem = draw.word('multi_label_classification', 'regression')
      return call(`siglip.classificationLoss($0, $1, '${problem}')`, logits, draw.fresh([batch, count]))
    },
  },
}
