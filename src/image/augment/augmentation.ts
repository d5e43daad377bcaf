import { InputError } from '../../errors.js'

/** The bounds of a uniform draw. */
export type Range = readonly [least: number, greatest: number]

/**
 * Random changes of images, in this order; none by default. Named and defined as in torchvision, whose functions
 * the parts are equal to for the same drawn numbers.
 */
export interface Augmentation {
  /** A part of the image, resized to the whole: `RandomResizedCrop`. */
  readonly crop?:
    | {
        /** Share of the area. Default: [0.08, 1]. */
        readonly scale?: Range
        /** Width to height. Default: [3/4, 4/3]. */
        readonly ratio?: Range
      }
    | undefined
  /** The probability of a horizontal flip. */
  readonly flip?: number | undefined
  /** Rotation, translation, scale and shear about the centre, with bilinear filtering: `RandomAffine`. */
  readonly affine?:
    | {
        /** Maximum rotation in either direction. Default: 0. */
        readonly degrees?: number
        /** Maximum translation, as a share of its sides. Default: 0. */
        readonly translate?: number
        /** Default: [1, 1]. */
        readonly scale?: Range
        /** Maximum shear, in degrees. Default: 0. */
        readonly shear?: number
      }
    | undefined
  /** In random order: `ColorJitter`. A strength `x` draws a factor from 1 − x to 1 + x. */
  readonly colour?:
    | {
        readonly brightness?: number
        readonly contrast?: number
        readonly saturation?: number
        /** Maximum rotation of colours about the grey axis, in degrees; not torchvision's. */
        readonly hue?: number
        /** The probability of greyscale. */
        readonly grey?: number
      }
    | undefined
  /** The probability that what is transparent, or uncovered by `affine`, shows a light colour instead of white. */
  readonly background?: number | undefined
  /** A rectangle of one colour that covers a part: `RandomErasing`. */
  readonly erasing?:
    | {
        readonly probability: number
        /** Share of the area. Default: [0.02, 0.33]. */
        readonly scale?: Range
        /** Height to width. Default: [0.3, 3.3]. */
        readonly ratio?: Range
      }
    | undefined
}

/** Returns what can be augmented by. @throws InputError naming the setting that is out of its range */
export function checkAugmentation(augmentation: Augmentation): Augmentation {
  checkNames('augmentation', augmentation, ['crop', 'flip', 'affine', 'colour', 'background', 'erasing'])
  const { crop, flip, affine, colour, background, erasing } = augmentation
  checkNames('crop', crop, ['scale', 'ratio'])
  checkNames('affine', affine, ['degrees', 'translate', 'scale', 'shear'])
  checkNames('colour', colour, ['brightness', 'contrast', 'saturation', 'hue', 'grey'])
  checkNames('erasing', erasing, ['probability', 'scale', 'ratio'])
  checkRange('crop.scale', crop?.scale, 0, 1)
  checkRange('crop.ratio', crop?.ratio, 1e-3, 1e3)
  checkNumber('flip', flip, 1)
  checkNumber('affine.degrees', affine?.degrees, 360)
  checkNumber('affine.translate', affine?.translate, 1)
  checkRange('affine.scale', affine?.scale, 1e-3, 1e3)
  checkNumber('affine.shear', affine?.shear, 80)
  checkNumber('colour.brightness', colour?.brightness, 1)
  checkNumber('colour.contrast', colour?.contrast, 1)
  checkNumber('colour.saturation', colour?.saturation, 1)
  checkNumber('colour.hue', colour?.hue, 180)
  checkNumber('colour.grey', colour?.grey, 1)
  checkNumber('background', background, 1)
  checkNumber('erasing.probability', erasing?.probability, 1)
  checkRange('erasing.scale', erasing?.scale, 0, 1)
  checkRange('erasing.ratio', erasing?.ratio, 1e-3, 1e3)
  return augmentation
}

function checkNames(what: string, given: object | undefined, names: readonly string[]): void {
  const other = Object.keys(given ?? {}).find((name) => !names.includes(name))
  if (other === undefined) return
  throw new InputError(`Unknown ${what}`, { expected: names.join(', '), found: other })
}

function checkNumber(name: string, value: unknown, greatest: number): void {
  if (value === undefined || (typeof value === 'number' && value >= 0 && value <= greatest)) return
  throw new InputError(`Invalid ${name}`, { expected: `a number from 0 to ${greatest}`, found: JSON.stringify(value) })
}

function checkRange(name: string, range: Range | undefined, from: number, to: number): void {
  if (range === undefined) return
  const [least, greatest] = range
  if (least >= from && least <= greatest && greatest <= to) return
  throw new InputError(`Invalid ${name}`, {
    expected: `[least, greatest] from ${from} to ${to}`,
    found: `[${range.join(', ')}]`,
  })
}
