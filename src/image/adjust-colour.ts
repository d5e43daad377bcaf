import { CHANNELS, type RawImage } from './raw-image.js'

const { fround } = Math
const RED = fround(0.2989)
const GREEN = fround(0.587)
const BLUE = fround(0.114)

/**
 * Colours that may cover what is behind them in part: they are multiplied by how much they cover, so that they can be filtered.
 */
export interface Covering {
  readonly colours: RawImage
  /** How much each sample covers, from 0 to 255; undefined where all do. */
  readonly coverage?: RawImage | undefined
}

/** Colours times a factor. Source: `adjust_brightness` of torchvision, for tensors of bytes. */
export function adjustBrightness(covering: Covering, factor: number): Covering {
  return blended(covering, factor, () => 0)
}

/** Colours farther from their mean grey by a factor. Source: `adjust_contrast` of torchvision, for tensors of bytes. */
export function adjustContrast(covering: Covering, factor: number): Covering {
  const { colours, coverage } = covering
  let [sum, weight] = [0, 0]
  for (let at = 0; at < colours.data.length; at += CHANNELS) {
    sum += grey(colours.data, at)
    weight += (coverage?.data[at] ?? 255) / 255
  }
  const mean = fround(sum / Math.max(weight, 1 / 255))
  return blended(covering, factor, (at) => (coverage ? (mean * (coverage.data[at] ?? 0)) / 255 : mean))
}

/** Colours farther from their own grey by a factor. Source: `adjust_saturation` of torchvision, for tensors of bytes. */
export function adjustSaturation(covering: Covering, factor: number): Covering {
  return blended(covering, factor, (at) => grey(covering.colours.data, at))
}

/** Colours turned about the axis of greys, which stay as they are. */
export function turnHue({ colours, coverage }: Covering, degrees: number): Covering {
  const turn = (degrees * Math.PI) / 180
  const [straight, third] = [Math.cos(turn), (1 - Math.cos(turn)) / 3]
  const across = Math.sin(turn) / Math.sqrt(3)
  const { width, height, data } = colours
  const turned = new Uint8Array(data.length)
  for (let at = 0; at < data.length; at += CHANNELS) {
    const red = data[at] ?? 0
    const green = data[at + 1] ?? 0
    const blue = data[at + 2] ?? 0
    const all = third * (red + green + blue)
    const most = coverage?.data[at] ?? 255
    turned[at] = clamped(straight * red + all + across * (blue - green) + 0.5, most)
    turned[at + 1] = clamped(straight * green + all + across * (red - blue) + 0.5, most)
    turned[at + 2] = clamped(straight * blue + all + across * (green - red) + 0.5, most)
  }
  return { colours: { width, height, data: turned }, coverage }
}

/** In single precision, and cut to a byte, as torchvision does. */
function blended({ colours, coverage }: Covering, factor: number, other: (at: number) => number): Covering {
  const { width, height, data } = colours
  const [own, rest] = [fround(factor), fround(1 - factor)]
  const mixed = new Uint8Array(data.length)
  for (let at = 0; at < data.length; at += CHANNELS) {
    const part = fround(rest * other(at))
    const most = coverage?.data[at] ?? 255
    for (let channel = at; channel < at + CHANNELS; channel++) {
      mixed[channel] = clamped(fround(fround(own * (data[channel] ?? 0)) + part), most)
    }
  }
  return { colours: { width, height, data: mixed }, coverage }
}

/** Source: `rgb_to_grayscale` of torchvision, for tensors of bytes. */
function grey(data: Uint8Array, at: number): number {
  const red = fround(RED * (data[at] ?? 0))
  const green = fround(GREEN * (data[at + 1] ?? 0))
  const blue = fround(BLUE * (data[at + 2] ?? 0))
  return Math.trunc(fround(fround(red + green) + blue))
}

const clamped = (value: number, most: number): number => (value < 0 ? 0 : value > most ? most : value)
