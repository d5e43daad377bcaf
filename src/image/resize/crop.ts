import { CHANNELS, type RawImage } from '../raw-image.js'
import type { ResizeBackend } from './resize.js'
import type { Size } from './target-size.js'

/** The middle of an image; what lies past its edges is black. Source: `center_crop` of transformers' two backends. */
export function centerCrop(image: RawImage, size: Size, backend: ResizeBackend): RawImage {
  const offset = backend === 'pillow' ? offsetOfNumpy : offsetOfTorchvision
  return cut(image, offset(image.height, size.height), offset(image.width, size.width), size)
}

/** Where the crop begins; negative if it begins before the image does. */
function offsetOfNumpy(from: number, to: number): number {
  return Math.floor((from - to) / 2)
}

/** Torchvision pads first, then crops; both round towards the beginning. */
function offsetOfTorchvision(from: number, to: number): number {
  return to > from ? -Math.floor((to - from) / 2) : Math.trunc((from - to) / 2)
}

/** A rectangle of an image, which may reach past its edges, where it has the samples of `fill`. */
export function cut(
  image: RawImage,
  top: number,
  left: number,
  { height, width }: Size,
  fill: number | readonly number[] = 0,
): RawImage {
  const data = new Uint8Array(height * width * CHANNELS)
  if (typeof fill === 'number') data.fill(fill)
  else for (let i = 0; i < data.length; i++) data[i] = fill[i % CHANNELS] ?? 0
  const first = Math.max(left, 0)
  const end = Math.min(left + width, image.width)
  for (let y = Math.max(top, 0); y < Math.min(top + height, image.height) && first < end; y++) {
    const row = image.data.subarray((y * image.width + first) * CHANNELS, (y * image.width + end) * CHANNELS)
    data.set(row, ((y - top) * width + first - left) * CHANNELS)
  }
  return { data, height, width }
}
