import * as tf from '@tensorflow/tfjs'
import { SiglipForImageClassification } from '../../src/models/siglip/image-classification.js'
import { SiglipTextModel } from '../../src/models/siglip/text-model.js'
import { SiglipVisionModel } from '../../src/models/siglip/vision-model.js'
import { Siglip2VisionModel } from '../../src/models/siglip2/vision-model.js'
import { useBackend } from '../../src/backend/backend-node.js'
import { jit } from '../../src/jit/jit.js'
import { AdamW } from '../../src/training/optimizers/adamw.js'
import { trainingStep } from '../../src/training/training-step.js'
import { tiny, tinyIds, tinyPixels, tinyText, tinyVision } from '../tiny-models.js'

beforeAll(async () => {
  await useBackend('native', { quiet: true })
})

const ints = (values: readonly number[], shape: number[]): tf.Tensor => tf.tensor([...values], shape, 'int32')
const floats = (values: readonly number[], shape: number[]): tf.Tensor => tf.tensor([...values], shape, 'float32')
const ids = (changed: Readonly<Record<number, number>>): number[] =>
  Object.values(Object.assign([3, 10, 17, 24, 0, 1, 2, 3, 4, 5], changed))

interface Case {
  /** Of the inputs alone. */
  readonly run: (inputs: tf.Tensor) => tf.Tensor
  readonly right: () => tf.Tensor
  readonly wrong: readonly (() => tf.Tensor)[]
}

const text = new SiglipTextModel(tinyText, { seed: 1 })
const vision = new SiglipVisionModel(tinyVision, { seed: 1 })
const classifier = new SiglipForImageClassification(tiny, { seed: 1 })
const naflex = new Siglip2VisionModel(
  {
    ...{ hiddenSize: 12, intermediateSize: 20, numHiddenLayers: 1, numAttentionHeads: 3 },
    patchSize: 2,
    numPatches: 9,
  },
  { seed: 1 },
)
const ofNaflex = (shapes: tf.Tensor, mask: tf.Tensor): tf.Tensor =>
  pooled(
    naflex.forward({
      ...{ pixelValues: tf.ones([2, 6, 12]), spatialShapes: shapes, pixelAttentionMask: mask },
    }),
  )
/** The pooled output, which these models have. */
function pooled({ poolerOutput }: { readonly poolerOutput?: tf.Tensor | undefined }): tf.Tensor {
  if (!poolerOutput) throw new Error('nothing pooled')
  return poolerOutput
}

const fullMask = (): tf.Tensor => tf.ones([2, 6], 'int32')

const cases: Readonly<Record<string, Case>> = {
  'token ids': {
    run: (inputIds) => text.forward({ inputIds }).poolerOutput,
    right: () => tinyIds(),
    wrong: [
      () => ints(ids({ 3: 31 }), [2, 5]),
      () => ints(ids({ 7: -1, 9: 99 }), [2, 5]),
      () => floats(ids({ 6: 1.5 }), [2, 5]),
      () => floats(ids({ 0: NaN }), [2, 5]),
    ],
  },
  positions: {
    run: (positionIds) => text.forward({ inputIds: tinyIds(), positionIds }).poolerOutput,
    right: () => ints([0, 1, 2, 3, 4], [1, 5]),
    wrong: [() => ints([0, 1, 2, 3, 5], [1, 5])],
  },
  'an attention mask': {
    run: (attentionMask) => text.forward({ inputIds: tinyIds(), attentionMask }).poolerOutput,
    right: () => tf.ones([2, 5], 'int32'),
    wrong: [() => ints([1, 1, 1, 2, 0, 1, 1, 1, 1, 1], [2, 5])],
  },
  'kept patches': {
    run: (keptPatches) => pooled(vision.forward({ pixelValues: tinyPixels() }, { keptPatches })),
    right: () => ints([0, 1, 2, 3], [2, 2]),
    wrong: [() => ints([0, 1, 4, 3], [2, 2])],
  },
  labels: {
    run: (labels) => classifier.forward({ pixelValues: tinyPixels() }, { labels }).loss ?? tf.scalar(0),
    right: () => ints([3, -100], [2]),
    wrong: [() => ints([4, 0], [2]), () => ints([0, -1], [2]), () => ints([-101, 0], [2])],
  },
  'what is computed of an argument': {
    run: (x) => text.forward({ inputIds: tf.add(tf.mul(x, 2), 1).toInt() }).poolerOutput,
    right: () => tf.ones([2, 5]),
    wrong: [() => tf.fill([2, 5], 20)],
  },
  'spatial shapes': {
    run: (shapes) => ofNaflex(shapes, fullMask()),
    right: () => ints([2, 3, 3, 2], [2, 2]),
    wrong: [
      () => ints([2, 3, 0, 0], [2, 2]),
      () => ints([3, 5, 2, 3], [2, 2]),
      () => ints([9, 9, 2, 3], [2, 2]),
      () => ints([2, 3, -1, 3], [2, 2]),
    ],
  },
  'a mask of patches': {
    run: (mask) => ofNaflex(ints([2, 3, 3, 2], [2, 2]), mask),
    right: () => fullMask(),
    wrong: [() => ints([1, 1, 1, 1, 1, 3, 1, 1, 1, 1, 1, 1], [2, 6])],
  },
}

/** Class, code and message. */
const errorOf = (error: unknown): string =>
  error instanceof Error ? `${error.constructor.name} ${String(Reflect.get(error, 'code'))} ${error.message}` : 'none'

function thrownBy(run: () => tf.Tensor): string {
  try {
    run()
  } catch (error) {
    return errorOf(error)
  }
  return 'nothing'
}

describe.each(Object.entries(cases))('%s', (_, { run, right, wrong }) => {
  it('that are wrong are the same error under `jit`, at once and later', async () => {
    const recorded = jit(run)
    const plain = tf.tidy(() => run(right()))
    expect(Math.max(...tf.abs(tf.sub(recorded(right()), plain)).dataSync())).toBeLessThan(1e-4)
    for (const make of wrong) {
      const inputs = make()
      const expected = thrownBy(() => tf.tidy(() => run(inputs)))
      expect(expected).toMatch(/^InputError ERR_INPUT Invalid .* at \d/)
      expect(thrownBy(() => recorded(inputs))).toBe(expected)
      const later = await recorded.async(inputs).then(() => 'nothing', errorOf)
      expect(later).toBe(expected)
    }
    expect(Math.max(...tf.abs(tf.sub(recorded(right()), plain)).dataSync())).toBeLessThan(1e-4)
    recorded.dispose()
  })
})

it('a training step with a label that is none changes nothing', async () => {
  const model = new SiglipForImageClassification(tiny, { seed: 1 })
  const parameters = model.namedParameters()
  const optimizer = new AdamW({ learningRate: 0.1, parameters })
  const step = trainingStep({
    objective: {
      inputsOf: () => ({}),
      gradients: ({ labels, ...images }, variables) =>
        tf.variableGrads(
          () => model.forward({ pixelValues: images.pixelValues! }, { labels }).loss ?? tf.scalar(0),
          [...variables],
        ),
    },
    ...{ optimizers: [optimizer], average: undefined, clipNorm: 1, clampScale: () => undefined, precision: 'float32' },
  })
  const pixelValues = tinyPixels()
  const values = (): number[] => [...parameters.values()].flatMap((variable) => [...variable.dataSync()])
  await step.async({ pixelValues, labels: ints([1, 2], [2]) })
  const before = values()
  const bad = step.async({ pixelValues, labels: ints([1, 4], [2]) })
  await expect(bad).rejects.toThrow('Invalid labels: expected classes from 0 to 3, or -100, found 4 at 1')
  expect(values()).toEqual(before)
  await step.async({ pixelValues, labels: ints([1, 3], [2]) })
  expect(values()).not.toEqual(before)
  step.dispose()
})
