import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import sharp from 'sharp'
import type { RawPixels } from '../../src/image/decode/raw-pixels.js'
import { listedData, type Sample } from '../../src/training/data/sample.js'

const colours = {
  red: [220, 30, 30],
  green: [30, 180, 40],
  blue: [30, 50, 220],
  yellow: [240, 220, 40],
  black: [10, 10, 10],
  white: [250, 250, 250],
} as const

export const colourNames = Object.keys(colours)

/** Squares of a colour each, with what they are called: quickly learnt. */
export const colourSamples: readonly (Omit<Sample, 'open'> & { readonly open: () => RawPixels })[] = Object.entries(
  colours,
).flatMap(([label, colour]) =>
  [0, 1, 2, 3].map((shade) => {
    const data = Uint8Array.from({ length: 16 * 16 * 3 }, (_, i) =>
      Math.min(255, colour[i % 3]! + ((i * 7 + shade * 5) % 11)),
    )
    const pixels = { data, width: 16, height: 16, channels: 3 as const }
    return { key: `${label}-${shade}`, open: () => pixels, captions: [label, `the colour ${label}`], label }
  }),
)

export const colourData = listedData(colourSamples)

/** Writes them into a folder for each colour. */
export async function writeColours(folder: string): Promise<void> {
  for (const { key, label = '', open } of colourSamples) {
    const { data, width, height } = open()
    await mkdir(path.join(folder, label), { recursive: true })
    await sharp(data, { raw: { width, height, channels: 3 } }).toFile(path.join(folder, label, `${key}.png`))
  }
}
