import { call, type Draw, type Operand, type Table } from '../draw.js'

/** `[batch, height, width, channels]`, one of the values if there is one. */
function image(draw: Draw): Operand {
  const { dice } = draw
  const known = draw.float(({ shape: [batch = 0, height = 0, width = 0, channels = 0, ...more] }) => {
    return more.length === 0 && batch > 0 && height > 3 && width > 3 && channels > 0 && height * width * channels < 5000
  })
  return known ?? draw.fresh([1 + dice.roll(2), 4 + dice.roll(5), 4 + dice.roll(5), dice.pick([1, 2, 3, 8])])
}

const channelsOf = ({ shape }: Operand): number => shape.at(-1) ?? 1

/** What is done to images; the engine leaves it to TensorFlow. */
export const images: Table = {
  conv2d: {
    weight: 1,
    draw: (draw) => {
      const x = image(draw)
      const kernel = draw.fresh([2, 2, channelsOf(x), 3], 'float32', 'weight')
      return call(
        `tf.mul(tf.conv2d($0, $1, ${1 + draw.dice.roll(2)}, '${draw.word('same', 'valid')}'), 0.3)`,
        x,
        kernel,
      )
    },
  },
  patches: {
    weight: 1,
    draw: (draw) => {
      const [patch, channels] = [1 + draw.dice.roll(4), draw.dice.pick([1, 3])]
      const x = draw.fresh([
        1 + draw.dice.roll(2),
        patch * (1 + draw.dice.roll(3)),
        patch * (1 + draw.dice.roll(3)),
        channels,
      ])
      const kernel = draw.fresh([patch, patch, channels, draw.dice.pick([4, 12, 16])], 'float32', 'weight')
      return call(`tf.mul(tf.conv2d($0, $1, ${patch}, 'valid'), 0.3)`, x, kernel)
    },
  },
  fusedConv: {
    weight: 1,
    draw: (draw) => {
      const x = image(draw)
      const [filter, bias] = [draw.fresh([2, 2, channelsOf(x), 3]), draw.fresh([3])]
      const text = "tf.fused.conv2d({ x: $0, filter: $1, strides: 1, pad: 'same', bias: $2, activation: 'relu' })"
      return call(text, x, filter, bias)
    },
  },
  fusedDepthwise: {
    weight: 1,
    hasNoGradient: true,
    draw: (draw) => {
      const x = image(draw)
      const [filter, bias] = [draw.fresh([2, 2, channelsOf(x), 1]), draw.fresh([channelsOf(x)])]
      const text =
        "tf.fused.depthwiseConv2d({ x: $0, filter: $1, strides: 1, pad: 'same', bias: $2, activation: 'relu' })"
      return call(text, x, filter, bias)
    },
  },
  depthwise: {
    weight: 1,
    draw: (draw) => {
      const x = image(draw)
      return call("tf.depthwiseConv2d($0, $1, 1, 'same')", x, draw.fresh([2, 2, channelsOf(x), 2]))
    },
  },
  transposedConv: {
    weight: 1,
    draw: (draw) => {
      const [c, h, w] = [1 + draw.dice.roll(3), 3 + draw.dice.roll(3), 3 + draw.dice.roll(3)]
      return call(
        `tf.conv2dTranspose($0, $1, [2, ${h * 2}, ${w * 2}, 3], 2, 'same')`,
        draw.fresh([2, h, w, c]),
        draw.fresh([2, 2, 3, c]),
      )
    },
  },
  pool: {
    weight: 1,
    draw: (draw) =>
      call(
        `tf.${draw.word('maxPool', 'avgPool')}($0, 2, ${1 + draw.dice.roll(2)}, '${draw.word('same', 'valid')}')`,
        image(draw),
      ),
  },
  volumes: {
    weight: 1,
    draw: (draw) => {
      const x = draw.fresh([1 + draw.dice.roll(2), 4, 3, 4, 2])
      if (draw.dice.chance(0.5)) return call("tf.conv3d($0, $1, 1, 'same')", x, draw.fresh([2, 2, 2, 2, 3]))
      return call(`tf.${draw.word('maxPool3d', 'avgPool3d')}($0, 2, 1, 'valid')`, x)
    },
  },
  transposedVolumes: {
    weight: 1,
    hasNoGradient: true,
    draw: (draw) =>
      call(
        "tf.conv3dTranspose($0, $1, [1, 4, 4, 4, 3], 2, 'same')",
        draw.fresh([1, 2, 2, 2, 2]),
        draw.fresh([2, 2, 2, 3, 2]),
      ),
  },
  resize: {
    weight: 1,
    draw: (draw) => {
      const f = draw.word('resizeBilinear', 'resizeNearestNeighbor')
      const size = JSON.stringify([2 + draw.dice.roll(8), 2 + draw.dice.roll(8)])
      return call(`tf.image.${f}($0, ${size}, ${draw.dice.chance(0.5)})`, image(draw))
    },
  },
  crop: {
    weight: 1,
    hasNoGradient: true,
    draw: (draw) =>
      call(
        "tf.image.cropAndResize($0, tf.tensor2d([[0.1, 0.2, 0.7, 0.9]]), tf.tensor1d([0], 'int32'), [3, 4])",
        image(draw),
      ),
  },
  dilation: {
    weight: 1,
    draw: (draw) => {
      const x = image(draw)
      return call("tf.dilation2d($0, $1, 1, 'same')", x, draw.fresh([2, 2, channelsOf(x)]))
    },
  },
}
