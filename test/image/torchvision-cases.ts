import { readFileSync } from 'node:fs'
import { parseSafetensors } from '../../converters/formats/safetensors.js'
import type { RawImage } from '../../src/image/raw-image.js'
import { fixturePath } from '../fixture.js'

const { tensors } = parseSafetensors(readFileSync(fixturePath('augmentation', 'cases.safetensors')))

/** An image that torchvision made: by test/reference/make_augmentation_fixtures.py. */
export function torchvisionCase(name: string): RawImage {
  const { data, shape } = tensors.get(name) ?? { data: [], shape: [] }
  const [height = 0, width = 0] = shape
  return { height, width, data: Uint8Array.from(data, Number) }
}

/** The names of the cases that begin so. */
export const casesOf = (prefix: string): readonly string[] =>
  [...tensors.keys()].filter((name) => name.startsWith(prefix))

/** The largest difference of two samples, and how many differ. */
export function difference(a: RawImage, b: RawImage): { readonly most: number; readonly share: number } {
  expect([a.width, a.height]).toEqual([b.width, b.height])
  const all = Array.from(a.data, (sample, i) => Math.abs(sample - (b.data[i] ?? NaN)))
  return { most: Math.max(...all), share: all.filter((value) => value !== 0).length / all.length }
}
