/** Samples of an image file in the type it stores them. */
export type Samples = Uint8Array | Uint16Array | Int16Array | Uint32Array | Int32Array | Float32Array | Float64Array

/**
 * A file's samples as 8 bits each, by the formulas of Pillow's `convert("RGB")`.
 *
 * @param isCmyk whether the first four channels are ink, 255 for full.
 */
export function toBytes(
  samples: Samples,
  channels: number,
  isCmyk: boolean,
): { readonly data: Uint8Array | Uint8ClampedArray; readonly channels: number } {
  const data = samples instanceof Uint8Array ? samples : narrow(samples, channels)
  return isCmyk ? { data: cmykToRgb(data, channels), channels: 3 } : { data, channels }
}

/**
 * Pillow takes the high byte of 16-bit samples, except those of a grey image without alpha, which it clips at 255, as it clips
 * integers and floats.
 */
function narrow(samples: Exclude<Samples, Uint8Array>, channels: number): Uint8ClampedArray {
  const bytes = new Uint8ClampedArray(samples.length)
  const shift = samples instanceof Uint16Array && channels > 1 ? 8 : 0
  for (let i = 0; i < bytes.length; i++) {
    const sample = samples[i] ?? 0
    bytes[i] = shift > 0 ? sample >> shift : Math.trunc(sample)
  }
  return bytes
}

/** `cmyk2rgb` of Pillow's `Convert.c`. */
function cmykToRgb(samples: Uint8Array | Uint8ClampedArray, channels: number): Uint8ClampedArray {
  const rgb = new Uint8ClampedArray((samples.length / channels) * 3)
  for (let from = 0, to = 0; from < samples.length; from += channels, to += 3) {
    const light = 255 - (samples[from + 3] ?? 0)
    for (let ink = 0; ink < 3; ink++) rgb[to + ink] = light - divide255((samples[from + ink] ?? 0) * light)
  }
  return rgb
}

/** Division by 255, rounded, in integers. */
function divide255(product: number): number {
  const rounded = product + 128
  return ((rounded >> 8) + rounded) >> 8
}
