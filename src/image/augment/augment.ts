import { seedOf, uniformStream } from '../../random.js'
import { adjustBrightness, adjustContrast, adjustSaturation, turnHue, type Covering } from './adjust-colour.js'
import { affine } from './affine.js'
import type { Augmentation } from './augmentation.js'
import { cut } from '../resize/crop.js'
import { between, middleBox, randomBox } from './random-box.js'
import { CHANNELS, type RawImage } from '../raw-image.js'
import { toRawImage, type RawPixels } from '../decode/raw-pixels.js'
import { resize, type ResizeOptions } from '../resize/resize.js'

/**
 * Changes an image at random. The same seed gives the same image, everywhere; what is drawn for one part doesn't depend on the
 * others.
 *
 * @param target the size, filter and arithmetic that the image is resized by after it was cropped, before the rest. Default: its
 * own size.
 */
export function augment(pixels: RawPixels, augmentation: Augmentation, seed: number, target?: ResizeOptions): RawImage {
  const { crop, flip = 0, affine: placing, colour, background = 0, erasing } = augmentation
  const random = (part: string): (() => number) => uniformStream(seedOf(seed, part))
  let covering = toCovering(pixels)
  if (crop) covering = cropped(covering, crop, random('crop'))
  if (target && !hasSize(covering.colours, target)) covering = each(covering, (image) => resize(image, target))
  if (random('flip')() < flip) covering = each(covering, mirrored)
  if (placing) covering = placed(covering, placing, random('affine'))
  if (colour) covering = coloured(covering, colour, random('colour'))
  const image = over(covering, backgroundColour(background, random('background')))
  return erasing ? erased(image, erasing, random('erasing')) : image
}

function toCovering(pixels: RawPixels): Covering {
  const straight = toRawImage(pixels, 'ignore')
  const { width, height, data } = pixels
  const channels = pixels.channels ?? data.length / (width * height)
  if (channels % 2 === 1) return { colours: straight }
  const coverage = new Uint8Array(width * height)
  const colours = new Uint8Array(straight.data.length)
  for (let pixel = 0, at = 0, from = channels - 1; pixel < coverage.length; pixel++, at += CHANNELS, from += channels) {
    const alpha = data[from] ?? 0
    if (alpha === 0) continue
    coverage[pixel] = alpha
    colours[at] = ((straight.data[at] ?? 0) * alpha + 127) / 255
    colours[at + 1] = ((straight.data[at + 1] ?? 0) * alpha + 127) / 255
    colours[at + 2] = ((straight.data[at + 2] ?? 0) * alpha + 127) / 255
  }
  return { colours: { width, height, data: colours }, coverage }
}

const hasSize = (image: RawImage, { width, height }: ResizeOptions): boolean =>
  image.width === width && image.height === height

/** Changes the colours, and what they cover as an image of greys; where edges come out sharper, colours stay within what they cover. */
function each({ colours, coverage }: Covering, change: (image: RawImage) => RawImage): Covering {
  const changed = change(colours)
  if (!coverage) return { colours: changed }
  const greys = change({ ...colours, data: colours.data.map((_, at) => coverage[Math.floor(at / CHANNELS)] ?? 0) }).data
  const data = changed.data.map((sample, at) => Math.min(sample, greys[at] ?? 0))
  return { colours: { ...changed, data }, coverage: greys.filter((_, at) => at % CHANNELS === 0) }
}

function cropped(covering: Covering, crop: NonNullable<Augmentation['crop']>, random: () => number): Covering {
  const { scale = [0.08, 1], ratio = [3 / 4, 4 / 3] } = crop
  const box = randomBox(covering.colours, scale, ratio, random) ?? middleBox(covering.colours, ratio)
  return each(covering, (image) => cut(image, box.top, box.left, box))
}

function mirrored({ width, height, data }: RawImage): RawImage {
  const turned = new Uint8Array(data.length)
  for (let to = 0, y = 0; y < height; y++) {
    for (let x = width - 1; x >= 0; x--, to += CHANNELS) {
      const from = (y * width + x) * CHANNELS
      turned.set(data.subarray(from, from + CHANNELS), to)
    }
  }
  return { width, height, data: turned }
}

function placed(covering: Covering, placing: NonNullable<Augmentation['affine']>, random: () => number): Covering {
  const { degrees = 0, translate = 0, scale = [1, 1], shear = 0 } = placing
  const { width, height } = covering.colours
  const either = (most: number): number => between([-most, most], random)
  return affine(covering, {
    degrees: either(degrees),
    translate: [either(translate * width), either(translate * height)],
    scale: between(scale, random),
    shear: either(shear),
  })
}

function coloured(covering: Covering, colour: NonNullable<Augmentation['colour']>, random: () => number): Covering {
  const { brightness = 0, contrast = 0, saturation = 0, hue = 0, grey = 0 } = colour
  const factor = (strength: number): number => between([1 - strength, 1 + strength], random)
  const [brighter, starker, turn] = [factor(brightness), factor(contrast), between([-hue, hue], random)]
  const drawnSaturation = factor(saturation)
  const richer = random() < grey ? 0 : drawnSaturation
  const steps = [
    { order: random(), isIdle: brighter === 1, change: (from: Covering) => adjustBrightness(from, brighter) },
    { order: random(), isIdle: starker === 1, change: (from: Covering) => adjustContrast(from, starker) },
    { order: random(), isIdle: richer === 1, change: (from: Covering) => adjustSaturation(from, richer) },
    { order: random(), isIdle: turn === 0, change: (from: Covering) => turnHue(from, turn) },
  ]
  const inOrder = steps.filter(({ isIdle }) => !isIdle).sort((a, b) => a.order - b.order)
  return inOrder.reduce((from, { change }) => change(from), covering)
}

/** White, or white darkened by up to a half towards a random colour. */
function backgroundColour(probability: number, random: () => number): readonly number[] {
  const strength = random() < probability ? random() / 2 : 0
  return Array.from({ length: CHANNELS }, () => 255 * (1 - strength * random()))
}

function over({ colours, coverage }: Covering, background: readonly number[]): RawImage {
  if (!coverage) return colours
  const { width, height, data } = colours
  const [red = 0, green = 0, blue = 0] = background
  const laid = data.slice()
  for (let at = 0, pixel = 0; at < data.length; at += CHANNELS, pixel++) {
    const covered = coverage[pixel] ?? 0
    if (covered === 255) continue
    const behind = 1 - covered / 255
    laid[at] = (data[at] ?? 0) + behind * red + 0.5
    laid[at + 1] = (data[at + 1] ?? 0) + behind * green + 0.5
    laid[at + 2] = (data[at + 2] ?? 0) + behind * blue + 0.5
  }
  return { width, height, data: laid }
}

function erased(image: RawImage, erasing: NonNullable<Augmentation['erasing']>, random: () => number): RawImage {
  const { probability, scale = [0.02, 0.33], ratio = [0.3, 3.3] } = erasing
  if (random() >= probability) return image
  const box = randomBox(image, scale, [1 / ratio[1], 1 / ratio[0]], random)
  if (!box) return image
  const { width, height } = image
  const data = image.data.slice()
  const colour = Array.from({ length: CHANNELS }, () => Math.floor(random() * 256))
  for (let y = box.top; y < box.top + box.height; y++) {
    for (let x = box.left; x < box.left + box.width; x++) data.set(colour, (y * width + x) * CHANNELS)
  }
  return { width, height, data }
}
