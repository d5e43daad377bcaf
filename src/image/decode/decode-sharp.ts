import type sharpModule from 'sharp'
import type { Metadata, Sharp as SharpPipeline } from 'sharp'
import { ImageError } from '../../errors.js'
import { orientationOf } from './exif-orientation.js'
import { toBytes, type Samples } from './pillow-samples.js'
import { pngExif } from './png-exif.js'
import { brokenImage, checkFormat, checkPixelCount, readImageHeader, type DecodeLimits } from './image-header.js'
import type { RawPixels } from './raw-pixels.js'
import { checkColours, checkTiffMemory, withKnownOrientation, withoutOtherBands } from './tiff-samples.js'
import { readTiffTags } from './tiff-tags.js'
import { latin1 } from '../../io/latin1.js'

export type Sharp = typeof sharpModule

/** The decoded formats, with sharp's names. Others that sharp reads (SVG, PDF) Pillow doesn't, and they are a risk. */
const formats = { JPEG: 'jpeg', PNG: 'png', WebP: 'webp', GIF: 'gif', TIFF: 'tiff', AVIF: 'heif' } as const

/** Bytes of a sample, by libvips' names. */
const sampleBytes: Readonly<Partial<Record<string, number>>> = {
  uchar: 1,
  char: 1,
  ushort: 2,
  short: 2,
  uint: 4,
  int: 4,
  float: 4,
  double: 8,
  complex: 8,
  dpcomplex: 16,
}

/** Rejects errors and truncated files; warnings of libjpeg and libpng pass, as with Pillow. ICC profiles are ignored. */
const lenient = { failOn: 'error', ignoreIcc: true, limitInputPixels: false } as const

/**
 * Decodes with sharp, to the bits that Pillow's decoders give; the exceptions are listed at `decodeImage`.
 *
 * @throws ImageError
 */
export async function decodeWithSharp(sharp: Sharp, original: Uint8Array, limits: DecodeLimits): Promise<RawPixels> {
  const bytes = asStillAvif(original)
  checkFormat(bytes, Object.keys(formats), limits.where, 'Convert it, or check that it is the file you mean.')
  const tags = isTiff(bytes) ? readTiffTags(bytes) : undefined
  if (tags) checkTiffMemory(readTiffTags(bytes, Math.max), limits)
  const broken = (cause: unknown): never => {
    throw brokenImage(cause, limits.where)
  }
  const metadata = await sharp(bytes, lenient).metadata().catch(broken)
  checkSameFormat(bytes, metadata, limits.where)
  const bytesPerPixel = metadata.channels * (sampleBytes[metadata.depth] ?? 16)
  checkPixelCount(metadata.width, metadata.height, limits, bytesPerPixel)
  if (tags) checkColours(tags, limits.where)
  const file = tags ? withKnownOrientation(bytes, tags) : bytes
  const pipeline = turn(sharp(file, lenient).autoOrient(), hiddenOrientation(bytes, metadata))
  // sharp would turn everything into 8-bit sRGB by its own formulas: those of Pillow need the file's own samples.
  if (metadata.depth !== 'uchar' || metadata.space === 'cmyk') {
    pipeline.pipelineColourspace(metadata.space).toColourspace(metadata.space)
  }
  if (hasGreyKey(bytes, metadata)) pipeline.removeAlpha()
  const raw = pipeline.raw({ depth: metadata.depth }).toBuffer({ resolveWithObject: true })
  const { data, info } = await raw.catch(broken)
  const { width, height, channels } = info
  const pixels = { width, height, ...toBytes(samplesOf(data, metadata), channels, metadata.space === 'cmyk') }
  return tags ? withoutOtherBands(pixels, tags) : pixels
}

const isTiff = (bytes: Uint8Array): boolean => readImageHeader(bytes).format === 'TIFF'

/** What the file begins as is what sharp decodes: no file has two formats. @throws ImageError */
function checkSameFormat(bytes: Uint8Array, { format, compression }: Metadata, where: string): void {
  const { format: begins = '' } = readImageHeader(bytes)
  const expected = Object.entries(formats).find(([name]) => name === begins)?.[1]
  if (format === expected && (format !== 'heif' || compression === 'av1')) return
  throw new ImageError('The image is not what it begins as', {
    expected: begins,
    found: compression ?? format,
    where,
    hint: 'Convert it, or check that it is the file you mean.',
  })
}

/** Of an AVIF sequence, which libvips refuses by its brand, it reads the first frame if it has that of a still image. */
function asStillAvif(bytes: Uint8Array): Uint8Array {
  if (latin1(bytes.subarray(4, 12)) !== 'ftypavis') return bytes
  const still = Uint8Array.from(bytes)
  still.set([0x61, 0x76, 0x69, 0x66], 8) // avif
  return still
}

/** Whether a PNG of 16-bit grey has a transparent level, which Pillow takes no notice of. */
function hasGreyKey(bytes: Uint8Array, { format, depth, channels }: Metadata): boolean {
  const colourType = bytes[25]
  return format === 'png' && depth === 'ushort' && channels === 2 && colourType === 0
}

/** The orientation that Pillow sees and libvips, which `autoOrient` goes by, doesn't. */
function hiddenOrientation(bytes: Uint8Array, { format, orientation, exif, xmp, comments }: Metadata): number {
  if (orientation !== undefined || !['jpeg', 'png', 'webp'].includes(format)) return 1
  return orientationOf(exif ?? (format === 'png' ? pngExif(bytes, comments) : undefined), xmp)
}

/** Turns an image upright: mirrored first, as sharp does it, then clockwise. */
function turn(pipeline: SharpPipeline, orientation: number): SharpPipeline {
  if (orientation === 1) return pipeline
  const quarters = [0, 0, 2, 0, 1, 1, 1, 3][orientation - 1] ?? 0
  return pipeline
    .flop([2, 7].includes(orientation))
    .flip([4, 5].includes(orientation))
    .rotate(quarters * 90)
}

function samplesOf(data: Buffer, { depth }: Metadata): Samples {
  const { buffer } = new Uint8Array(data) // a copy, aligned for wider samples
  switch (depth) {
    case 'uchar':
    case 'char': // Pillow takes no notice of the sign
      return new Uint8Array(buffer)
    case 'ushort':
      return new Uint16Array(buffer)
    case 'short':
      return new Int16Array(buffer)
    case 'uint':
      return new Uint32Array(buffer)
    case 'int':
      return new Int32Array(buffer)
    case 'float':
      return new Float32Array(buffer)
    default:
      return new Float64Array(buffer)
  }
}
