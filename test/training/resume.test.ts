import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { ConfigError } from '../../src/errors.js'
import { SiglipConfig } from '../../src/models/siglip/configuration.js'
import { SiglipModel } from '../../src/models/siglip/modeling.js'
import { pipeline } from '../../src/pipelines/pipeline.js'
import { SiglipProcessor } from '../../src/processor/siglip-processor.js'
import { useBackend } from '../../src/backend/backend-node.js'
import { listedData, type Sample, type TrainingData } from '../../src/training/data/sample.js'
import { streamedData } from '../../src/training/data/streamed-data.js'
import { constantSchedule } from '../../src/training/optimizers/schedule.js'
import type { TrainOptions, TrainResult } from '../../src/training/train-options.js'
import { train } from '../../src/training/trainer.js'
import { fixturePath } from '../fixture.js'

const checkpoint = fixturePath('siglip-tiny')
const image = fixturePath('images', 'small-rgb.png')
const samplesOf = (prefix: string, count = 6): Sample[] =>
  Array.from({ length: count }, (_, i) => ({ key: `${prefix}${i}.png`, captions: [`a ${i}`], open: () => image }))

let out: string
beforeAll(() => useBackend('wasm', { quiet: true }))
beforeEach(async () => {
  out = await mkdtemp(path.join(tmpdir(), 'siglip-resume-'))
})
afterEach(() => rm(out, { recursive: true }))

type Given = Partial<TrainOptions> & { readonly imageMean?: number; readonly activation?: string }

/** Trains, at first stopped after two of three steps. */
async function trained(data: TrainingData, { imageMean, activation, ...options }: Given = {}): Promise<TrainResult> {
  const loaded = await SiglipModel.fromPretrained(checkpoint)
  const json = loaded.config.toJSON() as { text_config: object }
  const text_config = { ...json.text_config, hidden_act: activation }
  const model = activation ? new SiglipModel(SiglipConfig.fromJSON({ ...json, text_config }), { seed: 1 }) : loaded
  const processor = await SiglipProcessor.fromPretrained(checkpoint)
  const own =
    imageMean === undefined
      ? processor
      : {
          imageProcessor: processor.imageProcessor,
          tokenizer: processor.tokenizer,
          toFiles: () => new Map([['x', Uint8Array.of(imageMean)]]),
        }
  const stop = new AbortController()
  const onStep: TrainOptions['onStep'] = ({ step }) => {
    if (step === 2) stop.abort()
  }
  try {
    return await train({
      model,
      processor: own,
      data,
      batchSize: 2,
      steps: 3,
      out,
      ...(options.resume ? {} : { onStep, signal: stop.signal }),
      ...options,
    })
  } finally {
    model.dispose()
    if (model !== loaded) loaded.dispose()
  }
}

describe('a training is taken up', () => {
  test('with the same data, of a list and of a stream', async () => {
    await trained(listedData(samplesOf('a')))
    expect(await trained(listedData(samplesOf('a')), { resume: true })).toMatchObject({ step: 3, isComplete: true })
  })

  test('with a stream whose pools are told apart', async () => {
    const stream = (prefix: string) => streamedData(() => samplesOf(prefix, 8), 2)
    await trained(stream('a'))
    await expect(trained(stream('b'), { resume: true })).rejects.toThrow(
      /belongs to a training on other data.*"a2\.png".*"b2\.png"/,
    )
    expect(await trained(stream('a'), { resume: true })).toMatchObject({ step: 3 })
  })

  test.each<[string, Sample[], RegExp]>([
    ['samples', samplesOf('b'), /expected 6 samples, from "a0\.png".*found 6 samples, from "b0\.png"/],
    ['number', samplesOf('a', 8), /found 8 samples/],
    ['order', samplesOf('a').reverse(), /another order/],
    ['captions', samplesOf('a').map((each) => ({ ...each, captions: ['x'] })), /other captions/],
  ])('and refused with another %s', async (_, samples, message) => {
    await trained(listedData(samplesOf('a')))
    const again = trained(listedData(samples), { resume: true })
    await expect(again).rejects.toThrow(ConfigError)
    await expect(again).rejects.toThrow(message)
  })

  test.each<[string, Given, RegExp]>([
    ['processor', { imageMean: 1 }, /found processor x /],
    ['end of the schedule', { schedule: (steps) => constantSchedule({ steps, cooldown: 2 }) }, /schedule/],
    ['activation', { activation: 'gelu' }, /text_config\.hidden_act/],
  ])('and refused with another %s', async (_, given, message) => {
    const schedule: TrainOptions['schedule'] = (steps) => constantSchedule({ steps })
    await trained(listedData(samplesOf('a')), { schedule })
    await expect(trained(listedData(samplesOf('a')), { schedule, ...given, resume: true })).rejects.toThrow(message)
  })
})

test('a model says that it was trained with softmax, and the pipeline’s scores are shares then', async () => {
  const labels = ['a 0', 'a 1', 'a 2']
  const { folder } = await trained(listedData(samplesOf('a')), { loss: 'softmax', steps: 1 })
  const config = async (): Promise<unknown> => JSON.parse(await readFile(path.join(folder, 'config.json'), 'utf8'))
  expect(await config()).toMatchObject({ trained_with: 'softmax' })
  const classify = await pipeline('zero-shot-image-classification', folder)
  const scores = await classify(image, labels)
  classify.dispose()
  expect(scores.reduce((sum, { score }) => sum + score, 0)).toBeCloseTo(1, 6)
  const [best, second] = scores
  expect(Math.log(best!.score / second!.score)).toBeCloseTo(best!.logit - second!.logit, 4)
  await rm(out, { recursive: true })
  await trained(listedData(samplesOf('a')), { steps: 1 })
  expect(await config()).not.toHaveProperty('trained_with')
})
