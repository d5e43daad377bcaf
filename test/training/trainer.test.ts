import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import * as tf from '@tensorflow/tfjs'
import { parseSafetensors } from '../../converters/formats/safetensors.js'
import { FileError, InputError, TrainingError } from '../../src/errors.js'
import { SiglipModel } from '../../src/models/siglip/modeling.js'
import { SiglipProcessor } from '../../src/processor/siglip-processor.js'
import { AdamW } from '../../src/training/optimizers/adamw.js'
import { addLora, type LoraOptions } from '../../src/training/lora/add-lora.js'
import { Muon } from '../../src/training/optimizers/muon.js'
import { lockedImage } from '../../src/training/optimizers/parameter-group.js'
import { useBackend } from '../../src/backend/backend-node.js'
import type { TrainOptions } from '../../src/training/train-options.js'
import { train } from '../../src/training/trainer.js'
import { onEachBackend } from '../backends.js'
import { fixturePath } from '../fixture.js'
import { colourData } from './colours.js'

let out = ''
beforeEach(async () => {
  out = await mkdtemp(path.join(tmpdir(), 'siglip-train-'))
})
afterEach(() => rm(out, { recursive: true, force: true }))

const checkpoint = fixturePath('siglip-tiny')

/** Trains the tiny model with these options, and tells its weights. */
async function trained(options: Partial<TrainOptions>, lora?: LoraOptions) {
  const model = await SiglipModel.fromPretrained(checkpoint)
  const processor = await SiglipProcessor.fromPretrained(checkpoint)
  const losses: number[] = []
  try {
    const result = await train({
      model,
      processor,
      data: colourData,
      batchSize: 6,
      distinct: 'label',
      steps: 6,
      seed: 3,
      optimizer: (parameters) => new AdamW({ parameters, learningRate: 2e-3 }),
      out,
      lora: lora && addLora(model, lora),
      ...options,
      onStep: (report) => {
        losses.push(report.loss)
        options.onStep?.(report)
      },
    })
    return { ...result, losses, weights: weightsOf(model) }
  } finally {
    model.dispose()
  }
}

const weightsOf = (model: SiglipModel): ReadonlyMap<string, Float32Array> =>
  new Map([...model.namedParameters()].map(([name, variable]) => [name, Float32Array.from(variable.dataSync())]))

const isEqual = (one: Float32Array, other: Float32Array | undefined): boolean =>
  one.length === other?.length && one.every((value, i) => value === other[i])

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length

it('tells the loss which captions go with which images', async () => {
  const seen: number[][][] = []
  const loss: TrainOptions['loss'] = ({ logits, labels }) => {
    // Captured where nothing is recorded: on WebAssembly the function itself runs at each step.
    seen.push(labels.arraySync())
    return tf.mean(tf.mul(logits, labels)).asScalar()
  }
  await useBackend('wasm')
  const of = (options: Partial<TrainOptions>) => trained({ steps: 1, batchSize: 6, shuffle: false, loss, ...options })
  const caption: TrainOptions['caption'] = ({ label = '' }) => (label === 'red' ? 'a colour' : label)
  await of({ each: 'label', caption })
  await rm(out, { recursive: true })
  await of({
    ...{ each: 'label', caption },
    matches: (said) => (said === 'a colour' ? ({ label = '' }) => label !== 'black' : () => false),
  })
  const [own = [], matched = []] = seen
  expect(own).toEqual(own.map((_, i) => own.map((_, j) => Number(i === j))))
  // Of red, green, blue, yellow, black, white all but black go with what is said of red.
  expect(matched.map(([first]) => first)).toEqual([1, 1, 1, 1, 0, 1])
  expect(matched.map((row) => row.slice(1))).toEqual(own.map((row) => row.slice(1)))
})

it('asks for data, not for the path of some', async () => {
  const data = 'images' as unknown as TrainOptions['data']
  await expect(trained({ data })).rejects.toThrow(/expected an ImageFolder.*found string.*ImageFolder\.open/)
})

onEachBackend(() => {
  it.each(['sigmoid', 'softmax', 'own'] as const)('makes the %s loss smaller, and saves the model', async (kind) => {
    const own: TrainOptions['loss'] = ({ logits, labels }) => tf.losses.sigmoidCrossEntropy(labels, logits)
    const steps = 16
    const before = tf.memory().numTensors
    const { losses, isComplete, folder, weights } = await trained({ loss: kind === 'own' ? own : kind, steps })
    expect(isComplete).toBe(true)
    expect(losses).toHaveLength(steps)
    expect(mean(losses.slice(-4))).toBeLessThan(0.8 * mean(losses.slice(0, 4)))
    expect(tf.memory().numTensors).toBe(before)

    const saved = await SiglipModel.fromPretrained(folder)
    expect(weightsOf(saved)).toEqual(weights)
    saved.dispose()
    const metrics = (await readFile(path.join(out, 'metrics.jsonl'), 'utf8')).trimEnd().split('\n')
    expect(metrics.map((line) => (JSON.parse(line) as { loss: number }).loss)).toEqual(losses)
  })

  it('stopped by a signal and taken up, it ends with the same weights and metrics to the bit', async () => {
    const options: Partial<TrainOptions> = {
      optimizer: [
        {
          pattern: /encoder\..*(proj|fc\d)\.weight$/,
          make: (parameters) => new Muon({ parameters, learningRate: 1e-3 }),
        },
        { make: (parameters) => new AdamW({ parameters, learningRate: 2e-3 }) },
      ],
      ema: 0.9,
      keepPatches: { share: 0.5, fullShare: 0.25 },
      augmentation: { flip: 0.5, colour: { brightness: 0.3 } },
      saveEvery: 2,
    }
    const whole = await trained(options)
    const metricsOf = async () =>
      (await readFile(path.join(out, 'metrics.jsonl'), 'utf8')).replace(
        /"(time|imagesPerSecond|secondsLeft)":[^,}]*,?/g,
        '',
      )
    const metrics = await metricsOf()
    await rm(out, { recursive: true })

    const controller = new AbortController()
    const stopped = await trained({
      ...options,
      signal: controller.signal,
      onStep: ({ step }) => {
        if (step === 3) controller.abort()
      },
    })
    expect(stopped).toMatchObject({ step: 3, isComplete: false, folder: path.join(out, 'checkpoints', 'step-3') })
    await expect(trained(options)).rejects.toThrow(FileError)
    await expect(trained({ ...options, resume: true, batchSize: 4 })).rejects.toThrow(/batchSize 6/)
    const state = path.join(out, 'checkpoints', 'step-3', 'training.safetensors')
    const bytes = await readFile(state)
    await writeFile(state, Buffer.concat([bytes.subarray(0, -4), Buffer.from(Float32Array.of(NaN).buffer)]))
    await expect(trained({ ...options, resume: true })).rejects.toThrow(
      /found NaN at index \d+ of .*training\.safetensors/,
    )
    await writeFile(state, bytes)
    const rest = await trained({ ...options, resume: true })
    expect([...stopped.losses, ...rest.losses]).toEqual(whole.losses)
    expect(rest.weights).toEqual(whole.weights)
    expect(await metricsOf()).toBe(metrics)
    expect((await readdir(path.join(out, 'checkpoints'))).sort()).toEqual(['step-4', 'step-6'])
  })

  it('adapters with a module that is trained whole are taken up to the bit, and only with the same groups', async () => {
    const lora: LoraOptions = { r: 2, seed: 1, modulesToSave: ['text_model.head'] }
    const options = (factor: number): Partial<TrainOptions> => ({
      steps: 4,
      ema: 0.9,
      optimizer: (parameters) =>
        new AdamW({ parameters, learningRate: 2e-3, groups: [{ pattern: /head/, learningRate: factor }] }),
    })
    const whole = await trained(options(3), lora)
    const adapter = () => readFile(path.join(out, 'adapter', 'adapter_model.safetensors'))
    const saved = await adapter()
    await rm(out, { recursive: true })

    const controller = new AbortController()
    const onStep: TrainOptions['onStep'] = ({ step }) => {
      if (step === 2) controller.abort()
    }
    await trained({ ...options(3), signal: controller.signal, onStep }, lora)
    await expect(trained({ ...options(2), resume: true }, lora)).rejects.toThrow(/optimizer 0\.groups .*head.* 3/)
    const rest = await trained({ ...options(3), resume: true }, lora)
    expect(rest.weights).toEqual(whole.weights)
    expect((await adapter()).equals(saved)).toBe(true)
    const untrained = await SiglipModel.fromPretrained(checkpoint)
    const moved = [...weightsOf(untrained)].filter(([name, values]) => !isEqual(values, rest.weights.get(name)))
    untrained.dispose()
    const names = moved.map(([name]) => name).filter((name) => !/\.[qv]_proj\.weight$/.test(name))
    expect(names).toEqual(['text_model.head.weight', 'text_model.head.bias'])
  })

  it('stopped while something is measured, it keeps the steps that are done', async () => {
    const controller = new AbortController()
    const stop = () => {
      controller.abort()
      controller.signal.throwIfAborted()
      return Promise.resolve({})
    }
    const options: Partial<TrainOptions> = { steps: 3, signal: controller.signal }
    const during = await trained({ ...options, evaluators: { stop: { every: 2, evaluate: stop } } })
    expect(during).toMatchObject({ step: 2, isComplete: false, folder: path.join(out, 'checkpoints', 'step-2') })
    const atEnd = new AbortController()
    const rest = await trained({
      ...{ steps: 3, resume: true, signal: atEnd.signal },
      evaluators: {
        stop: {
          evaluate: () => {
            atEnd.abort()
            throw new Error('stopped')
          },
        },
      },
    })
    expect(rest).toMatchObject({ step: 3, isComplete: false, folder: path.join(out, 'model') })
    await expect(trained({ steps: 3, resume: true, schedule: () => () => 0.5 })).rejects.toThrow(/schedule/)
  })

  it('in chunks, it moves as with all pairs at once, also in micro-batches', async () => {
    const options: Partial<TrainOptions> = { steps: 3, each: 'label', precision: 'float32' }
    const whole = await trained(options)
    for (const microBatches of [1, 2]) {
      await rm(out, { recursive: true })
      const chunked = await trained({ ...options, loss: 'chunked', microBatches })
      for (const [i, loss] of whole.losses.entries()) expect(chunked.losses[i]).toBeCloseTo(loss, 3)
    }
  })

  it('keeps the scale within its bound', async () => {
    const { weights } = await trained({
      ...{ steps: 2, maxLogitScale: 3 },
      optimizer: (parameters) => new AdamW({ parameters, learningRate: 1e-4 }),
    })
    expect(weights.get('logit_scale')?.[0]).toBeCloseTo(Math.log(3), 3)
  })

  it('in micro-batches, it moves as with whole batches', async () => {
    const whole = await trained({ steps: 2 })
    await rm(out, { recursive: true })
    const accumulated = await trained({ steps: 2, microBatches: 3 })
    for (const [i, loss] of whole.losses.entries()) expect(accumulated.losses[i]).toBeCloseTo(loss, 3)
  })

  it('moves what the optimizers name, and leaves the rest', async () => {
    const model = await SiglipModel.fromPretrained(checkpoint)
    const before = weightsOf(model)
    model.dispose()
    const { weights } = await trained({
      steps: 2,
      optimizer: (parameters) => new AdamW({ parameters, groups: [lockedImage], learningRate: 1e-2 }),
    })
    for (const [name, values] of weights) {
      expect([name, String(values) === String(before.get(name))]).toEqual([name, name.startsWith('vision_model.')])
    }
  })

  it('evaluates the averages, and ends with them', async () => {
    const seen: number[] = []
    const model = await SiglipModel.fromPretrained(checkpoint)
    const bias = model.namedParameters().get('logit_bias')!
    const start = bias.dataSync()[0]!
    const processor = await SiglipProcessor.fromPretrained(checkpoint)
    const evaluate = () => {
      seen.push(bias.dataSync()[0]!)
      return Promise.resolve({ bias: seen.at(-1)! })
    }
    // The first step of AdamW is as long as its rate; the average goes half of the way.
    const { figures } = await train({
      model,
      processor,
      data: colourData,
      batchSize: 6,
      steps: 2,
      out,
      ema: 0.5,
      clipNorm: Infinity,
      schedule: () => () => 1,
      optimizer: [
        { pattern: /^logit_bias$/, make: (parameters) => new AdamW({ parameters, learningRate: 1, weightDecay: 0 }) },
      ],
      evaluators: { always: { every: 1, evaluate }, once: { evaluate: () => Promise.resolve({ one: 1 }) } },
    })
    expect(Math.abs(seen[0]! - start)).toBeCloseTo(0.5, 3)
    const last = parseSafetensors(await readFile(path.join(out, 'checkpoints', 'step-2', 'model.safetensors')), 'model')
    const moved = Number(last.tensors.get('logit_bias')!.data[0])
    expect(seen[1]).toBeCloseTo((seen[0]! + moved) / 2, 5)
    expect(figures).toEqual({ always: { bias: seen[1] }, once: { one: 1 } })
    expect(bias.dataSync()[0]).toBe(seen[1])
    const metrics = await readFile(path.join(out, 'metrics.jsonl'), 'utf8')
    expect(metrics).toContain(`"always/bias":${seen[0]}`)
    model.dispose()
  })

  it.each([
    ['step 1, pixelValues of the batch', { data: 'bad' }],
    ['step 1, the loss', { loss: ({ logits }) => tf.sum(tf.log(tf.sub(tf.neg(tf.abs(logits)), 1))) }],
    ['step 1, gradient of ', { loss: ({ logits }) => tf.sum(tf.sqrt(tf.mul(logits, 0))) }],
    ['step 2, parameter ', { learningRate: 1e39 }],
    ['step 1, parameter ', { learningRate: 1e39, steps: 1 }],
  ] as [string, { data?: 'bad'; loss?: TrainOptions['loss']; learningRate?: number; steps?: number }][])(
    'stops at once and saves nothing where there are no finite numbers: %s',
    async (where, { data, loss, learningRate, steps = 3 }) => {
      const model = await SiglipModel.fromPretrained(checkpoint)
      const processor = await SiglipProcessor.fromPretrained(checkpoint)
      const bad = { toFiles: () => new Map(), call: notANumber, preprocess: () => fail() }
      const training = train({
        model,
        processor: data ? { imageProcessor: bad, tokenizer: processor.tokenizer, toFiles: () => new Map() } : processor,
        data: colourData,
        batchSize: 6,
        steps,
        loss,
        out,
        optimizer: (parameters) => new AdamW({ parameters, learningRate }),
        schedule: () => () => 1,
      })
      await expect(training).rejects.toThrow(TrainingError)
      await expect(training).rejects.toThrow(where)
      expect(await readdir(out)).not.toContain('checkpoints')
      model.dispose()
    },
  )
})

describe('on the fastest backend', () => {
  beforeAll(() => useBackend('auto', { quiet: true }))

  it.each([
    [{ steps: undefined }, /either steps or epochs/],
    [{ epochs: 1 }, /either steps or epochs/],
    [{ steps: 0 }, /Invalid steps/],
    [{ microBatches: 4 }, /divisor of 6/],
    [{ saveEvery: 0 }, /Invalid saveEvery/],
    [{ keepPatches: { share: 0 } }, /Invalid keepPatches/],
    [{ augmentation: { color: { hue: 3 } } as object }, /Unknown augmentation.*crop.*found color/],
    [{ augmentation: { flip: '0.5' } as object }, /Invalid flip/],
    [{ parts: 3 } as object, /Unknown option.*found parts/],
    [{ savEvery: 3 } as object, /Unknown option.*expected saveEvery, found savEvery/],
    [{ clipNorm: NaN }, /Invalid clipNorm/],
    [{ evaluators: { x: { every: 0, evaluate: () => Promise.resolve({}) } } }, /Invalid evaluators\.x\.every/],
    [{ batchSize: 400 }, /does not fill a batch/],
    [
      { optimizer: [{ pattern: /nothing/, make: (parameters) => new AdamW({ parameters }) }] },
      /has no parameters.*matches none/,
    ],
    [{ optimizer: (parameters) => new AdamW({ parameters, groups: [{ pattern: /./, frozen: true }] }) }, /frozen/],
  ] as [Partial<TrainOptions>, RegExp][])('refuses %j', async (options, message) => {
    const training = trained(options)
    await expect(training).rejects.toThrow(InputError)
    await expect(training).rejects.toThrow(message)
  })

  it('counts the steps of epochs', async () => {
    expect(await trained({ steps: undefined, epochs: 2 })).toMatchObject({ step: 8, isComplete: true })
  })
})

const fail = (): never => {
  throw new Error('not called')
}

const notANumber = () =>
  Promise.resolve({ pixelValues: { data: new Float32Array(3 * 32 * 32).fill(NaN), shape: [1, 3, 32, 32] } })
