import { CHANNELS, type RawImage } from '../raw-image.js'

const { fround } = Math
const RED = fround(0.2989)
const GREEN = fround(0.587)
const BLUE = fround(0.114)

/**
 * Colours that may cover what is behind them in part: they are multiplied by how much they cover, so that they can be filtered, and
 * are never more than that.
 */
export interface Covering {
  readonly colours: RawImage
  /** How much each pixel covers, from 0 to 255; undefined where all do. */
  readonly coverage?: Uint8Array | undefined
}

/** Colours times a factor. Source: `adjust_brightness` of torchvision, for tensors of bytes. */
export function adjustBrightness(covering: Covering, factor: number): Covering {
  return blended(covering, factor, new Float64Array(covering.colours.data.length / CHANNELS))
}

/** Colours farther from their mean grey by a factor. Source: `adjust_contrast` of torchvision, for tensors of bytes. */
export function adjustContrast(covering: Covering, factor: number): Covering {
  const { colours, coverage } = covering
  const others = greysOf(colours)
  let [sum, weight] = [0, 0]
  for (let pixel = 0; pixel < others.length; pixel++) {
    sum += others[pixel] ?? 0
    weight += coverage ? (coverage[pixel] ?? 0) / 255 : 1
  }
  const mean = fround(sum / Math.max(weight, 1 / 255))
  for (let pixel = 0; pixel < others.length; pixel++) {
    others[pixel] = coverage ? (mean * (coverage[pixel] ?? 0)) / 255 : mean
  }
  return blended(covering, factor, others)
}

/** Colours farther from their own grey by a factor. Source: `adjust_saturation` of torchvision, for tensors of bytes. */
export function adjustSaturation(covering: Covering, factor: number): Covering {
  return blended(covering, factor, greysOf(covering.colours))
}

/** Colours turned about the axis of greys, which stay as they are. */
export function turnHue({ colours, coverage }: Covering, degrees: number): Covering {
  const turn = (degrees * Math.PI) / 180
  const [straight, third] = [Math.cos(turn), (1 - Math.cos(turn)) / 3]
  const across = Math.sin(turn) / Math.sqrt(3)
  const { width, height, data } = colours
  const turned = new Uint8Array(data.length)
  for (let at = 0, pixel = 0; at < data.length; at += CHANNELS, pixel++) {
    const most = coverage ? (coverage[pixel] ?? 0) : 255
    if (most === 0) continue
    const red = data[at] ?? 0
    const green = data[at + 1] ?? 0
    const blue = data[at + 2] ?? 0
    const all = third * (red + green + blue)
    turned[at] = clamped(straight * red + all + across * (blue - green) + 0.5, most)
    turned[at + 1] = clamped(straight * green + all + across * (red - blue) + 0.5, most)
    turned[at + 2] = clamped(straight * blue + all + across * (green - red) + 0.5, most)
  }
  return { colours: { width, height, data: turned }, coverage }
}

/** In single precision, and truncated to a byte, as in torchvision. */
function blended({ colours, coverage }: Covering, factor: number, others: Float64Array): Covering {
  const { width, height, data } = colours
  const [own, rest] = [fround(factor), fround(1 - factor)]
  const mixed = new Uint8Array(data.length)
  for (let at = 0, pixel = 0; at < data.length; at += CHANNELS, pixel++) {
    const most = coverage ? (coverage[pixel] ?? 0) : 255
    if (most === 0) continue
    const part = fround(rest * (others[pixel] ?? 0))
    mixed[at] = clamped(fround(fround(own * (data[at] ?? 0)) + part), most)
    mixed[at + 1] = clamped(fround(fround(own * (data[at + 1] ?? 0)) + part), most)
    mixed[at + 2] = clamped(fround(fround(own * (data[at + 2] ?? 0)) + part), most)
  }
  return { colours: { width, height, data: mixed }, coverage }
}

/** Source: `rgb_to_grayscale` of torchvision, for tensors of bytes. */
function greysOf({ data }: RawImage): Float64Array {
  const greys = new Float64Array(data.length / CHANNELS)
  for (let at = 0, pixel = 0; at < data.length; at += CHANNELS, pixel++) {
    const red = fround(RED * (data[at] ?? 0))
    const green = fround(GREEN * (data[at + 1] ?? 0))
    const blue = fround(BLUE * (data[at + 2] ?? 0))
    greys[pixel] = Math.trunc(fround(fround(red + green) + blue))
  }
  return greys
}

const clamped = (value: number, most: number): number => (value < 0 ? 0 : value > most ? most : value)
