/**
 * A stream of uniform random numbers in [0, 1) from a 32-bit seed: sfc32, Chris Doty-Humphrey's small fast counting generator
 * (PractRand). Fast enough to fill a model of a billion weights, and the same numbers on every machine.
 */
export function uniformStream(seed: number): () => number {
  let a = 0x9e3779b9
  let b = 0x243f6a88
  let c = seed | 0
  let counter = 1
  const next = (): number => {
    const t = (((a + b) | 0) + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (((c << 21) | (c >>> 11)) + t) | 0
    return (t >>> 0) / 4294967296
  }
  for (let i = 0; i < 15; i++) next() // until every bit of the seed has reached every bit of the state
  return next
}

/** A stream of standard normal numbers, by the Box–Muller transform. */
export function normalStream(seed: number): () => number {
  const uniform = uniformStream(seed)
  let spare: number | undefined
  return () => {
    if (spare !== undefined) {
      const value = spare
      spare = undefined
      return value
    }
    const radius = Math.sqrt(-2 * Math.log(1 - uniform()))
    const angle = 2 * Math.PI * uniform()
    spare = radius * Math.sin(angle)
    return radius * Math.cos(angle)
  }
}

/** A seed of its own for a named thing: FNV-1a over the name, started from the seed. */
export function seedOf(seed: number, name: string): number {
  let hash = (0x811c9dc5 ^ seed) | 0
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193)
  return hash >>> 0
}
