const { cos, log, PI, sin, sqrt } = Math

/** The default seed. */
export const DEFAULT_SEED = 0

/** A stream of uniform random numbers in [0, 1) from a 32-bit seed: the same numbers on every machine. */
export function uniformStream(seed: number): () => number {
  return buffered(sfc32(seed))
}

/** A stream of standard normal numbers, by the Box–Muller transform. */
export function normalStream(seed: number): () => number {
  const uniform = sfc32(seed)
  return buffered((block) => {
    uniform(block)
    for (let i = 0; i < block.length; i += 2) {
      const radius = sqrt(-2 * log(1 - (block[i] ?? 0)))
      const angle = 2 * PI * (block[i + 1] ?? 0)
      block[i] = radius * cos(angle)
      block[i + 1] = radius * sin(angle)
    }
  })
}

/** Numbers one by one, made block by block: a model has hundreds of millions, and a loop over local variables is fastest. */
function buffered(refill: (block: Float64Array) => void): () => number {
  const block = new Float64Array(1024)
  let place = block.length
  return () => {
    if (place === block.length) {
      refill(block)
      place = 0
    }
    return block[place++] ?? 0
  }
}

/** Fills blocks with sfc32, Chris Doty-Humphrey's small fast counting generator (PractRand). */
function sfc32(seed: number): (block: Float64Array) => void {
  const state = Int32Array.of(0x9e3779b9, 0x243f6a88, seed, 1)
  const fill = (block: Float64Array): void => {
    let [a = 0, b = 0, c = 0, counter = 0] = state
    for (let i = 0; i < block.length; i++) {
      const t = (a + b + counter) | 0
      counter = (counter + 1) | 0
      a = b ^ (b >>> 9)
      b = (c + (c << 3)) | 0
      c = (((c << 21) | (c >>> 11)) + t) | 0
      block[i] = (t >>> 0) / 4294967296
    }
    state.set([a, b, c, counter])
  }
  fill(new Float64Array(15)) // until every bit of the seed has reached every bit of the state
  return fill
}

/** An independent seed for a name: FNV-1a over the seed and the name. */
export function seedOf(seed: number, name: string): number {
  let hash = Math.imul(0x811c9dc5 ^ seed, 0x01000193)
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193)
  return hash >>> 0
}
