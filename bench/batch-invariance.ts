/**
 * Whether an embedding depends on what it is computed beside: towers of base size with random weights, batch by batch, against the same
 * inputs alone on one thread. Every number must be exactly 0.
 *
 *     npm run invariance -- [--tower vision|text|naflex] [--layers N] [--batches 1,2,3,4,5,7,8,16]
 *
 * Each batch runs three times: its inputs in order, the other way round, and in order with one that is NaN and one of 1e30 (images) or
 * with two other texts in their place, so that each input stands at several positions and beside what would show.
 */
import { parseArgs } from 'node:util'
import * as tf from '@tensorflow/tfjs'
import {
  jit,
  Siglip2VisionConfig,
  Siglip2VisionModel,
  SiglipTextConfig,
  SiglipTextModel,
  SiglipVisionConfig,
  SiglipVisionModel,
  useBackend,
} from '../src/index.js'
import { loadEngine } from '../src/jit/program/engine.js'
import { machine } from './machine.js'

const { values: options } = parseArgs({
  options: {
    tower: { type: 'string', default: 'vision,text,naflex' },
    layers: { type: 'string', default: '12' },
    batches: { type: 'string', default: '1,2,3,4,5,7,8,16' },
  },
})
const numHiddenLayers = Number(options.layers)
const batches = options.batches.split(',').map(Number)

/** A tower's inputs, a tensor of one row for each of its arguments, and its function of batches. */
interface Tower {
  readonly input: (index: number) => tf.Tensor[]
  /** What stands in place of an input to disturb those beside it. */
  readonly disturbing: (input: readonly tf.Tensor[], value: number) => tf.Tensor[]
  readonly embed: (inputs: readonly tf.Tensor[]) => tf.Tensor
}

const towers: Readonly<Record<string, () => Tower>> = {
  vision() {
    const model = new SiglipVisionModel(new SiglipVisionConfig({ numHiddenLayers }), { seed: 1 })
    return {
      input: (index) => [tf.randomNormal([1, 3, 224, 224], 0, 1, 'float32', index + 1)],
      disturbing: ([pixels], value) => (pixels ? [tf.fill(pixels.shape, value)] : []),
      embed: ([pixelValues]) => embeddingOf(model.forward({ pixelValues: pixelValues as tf.Tensor4D })),
    }
  },
  text() {
    const model = new SiglipTextModel(new SiglipTextConfig({ numHiddenLayers }), { seed: 1 })
    return {
      input: (index) => [tf.randomUniform([1, 64], 2, 32_000, 'int32', index + 1)],
      disturbing: ([ids]) => (ids ? [tf.onesLike(ids)] : []),
      embed: ([inputIds]) => model.forward({ inputIds: inputIds as tf.Tensor2D }).poolerOutput,
    }
  },
  naflex() {
    const model = new Siglip2VisionModel(new Siglip2VisionConfig({ numHiddenLayers }), { seed: 1 })
    const shapes = [
      [16, 16],
      [8, 32],
      [10, 20],
      [3, 7],
    ] as const
    return {
      input(index) {
        const shape = shapes[index % shapes.length] ?? [1, 1]
        const patches = shape[0] * shape[1]
        return [
          tf.pad(tf.randomNormal([1, patches, 768], 0, 1, 'float32', index + 1), [[0, 0], [0, 256 - patches], [0, 0]]), // prettier-ignore
          tf.tensor2d([Array.from({ length: 256 }, (_, i) => Number(i < patches))], undefined, 'int32'),
          tf.tensor2d([[...shape]], undefined, 'int32'),
        ]
      },
      disturbing: ([pixels, ...others], value) => (pixels ? [tf.fill(pixels.shape, value), ...others] : []),
      embed: ([pixelValues, pixelAttentionMask, spatialShapes]) =>
        embeddingOf(
          model.forward({
            pixelValues: pixelValues as tf.Tensor3D,
            pixelAttentionMask: pixelAttentionMask as tf.Tensor2D,
            spatialShapes: spatialShapes as tf.Tensor2D,
          }),
        ),
    }
  },
}

function embeddingOf({ poolerOutput }: { readonly poolerOutput?: tf.Tensor | undefined }): tf.Tensor {
  if (!poolerOutput) throw new Error('The tower has no head')
  return poolerOutput
}

/** How many embeddings were compared, how many of them differ, and by how much at most. */
class Comparison {
  #compared = 0
  #differing = 0
  #largest = 0

  add(found: Float32Array, expected: Float32Array): void {
    this.#compared++
    const [a, b] = [found, expected].map(({ buffer, byteOffset, length }) => new Int32Array(buffer, byteOffset, length))
    if (a?.every((bits, i) => bits === b?.[i])) return
    this.#differing++
    found.forEach((x, i) => (this.#largest = Math.max(this.#largest, Math.abs(x - (expected[i] ?? NaN)))))
  }

  toString(): string {
    return `${this.#differing} of ${this.#compared}${this.#differing > 0 ? `, ${this.#largest.toExponential(1)}` : ''}`
  }

  get isEqual(): boolean {
    return this.#differing === 0
  }
}

type Embed = (inputs: readonly (readonly tf.Tensor[])[]) => Float32Array[]

/** The embeddings of a batch, each its own. */
function embedder(tower: Tower, precision: 'float32' | 'bfloat16'): Embed {
  const run = jit((...inputs: tf.Tensor[]) => tower.embed(inputs), { precision })
  return (inputs) =>
    tf.tidy(() => {
      const stacked = (inputs[0] ?? []).map((_, i) => tf.concat(inputs.flatMap((tensors) => tensors[i] ?? [])))
      const values = run(...stacked).dataSync<'float32'>()
      const width = values.length / inputs.length
      return inputs.map((_, i) => values.slice(i * width, (i + 1) * width))
    })
}

function compare(tower: Tower, embed: Embed, expected: readonly Float32Array[], count: number): Comparison {
  const comparison = new Comparison()
  const check = (inputs: readonly (readonly tf.Tensor[])[], order: readonly (number | undefined)[]): void => {
    for (const [position, embedding] of embed(inputs).entries()) {
      const own = expected[order[position] ?? -1]
      if (own) comparison.add(embedding, own)
    }
  }
  tf.tidy(() => {
    const order = Array.from({ length: count }, (_, i) => i)
    const inputs = order.map((index) => tower.input(index))
    check(inputs, order)
    check([...inputs].reverse(), [...order].reverse())
    if (count < 2) return
    const [one, other] = [count >> 1, count > 2 ? count - 1 : -1]
    const disturbed = inputs.map((input, i) =>
      i === one ? tower.disturbing(input, NaN) : i === other ? tower.disturbing(input, 1e30) : input,
    )
    check(
      disturbed,
      order.map((i) => (i === one || i === other ? undefined : i)),
    )
  })
  return comparison
}

async function main(): Promise<void> {
  await useBackend('native')
  const engine = loadEngine()
  if ('missing' in engine) throw new Error(engine.missing)
  const { processor, cores } = machine()
  console.log(`${processor}, ${cores} cores, kernels ${engine.kernels}; ${numHiddenLayers} layers of base size`)
  console.log('embeddings that differ from those alone on one thread, of how many, and by how much at most')
  const ways = (['float32', 'bfloat16'] as const).flatMap((precision) =>
    [1, 2].map((threads) => ({ precision, threads })),
  )
  const comparisons: Comparison[] = []
  for (const name of options.tower.split(',')) {
    const tower = towers[name]?.()
    if (!tower) throw new Error(`Unknown tower ${name}: expected one of ${Object.keys(towers).join(', ')}`)
    const titles = ways.map(({ precision, threads }) => `${precision}, ${threads} thread${threads > 1 ? 's' : ''}`)
    console.log([`${name}, batch`.padEnd(16), ...titles.map((title) => title.padEnd(22))].join(''))
    const expected = new Map<string, Float32Array[]>()
    const embedders = new Map<string, Embed>()
    for (const precision of ['float32', 'bfloat16'] as const) {
      engine.setThreads(1)
      const embed = embedder(tower, precision)
      const alone = (i: number): Float32Array[] => tf.tidy(() => embed([tower.input(i)]))
      embedders.set(precision, embed)
      expected.set(precision, Array.from({ length: Math.max(...batches) }, (_, i) => alone(i)).flat())
    }
    for (const count of batches) {
      const cells = ways.map(({ precision, threads }) => {
        engine.setThreads(threads)
        const [embed, own] = [embedders.get(precision), expected.get(precision)]
        if (!embed || !own) throw new Error(`Missing embeddings in ${precision}`)
        const comparison = compare(tower, embed, own, count)
        comparisons.push(comparison)
        return comparison.toString().padEnd(22)
      })
      console.log([String(count).padEnd(16), ...cells].join(''))
    }
  }
  process.exit(comparisons.every(({ isEqual }) => isEqual) ? 0 : 1)
}

await main()
