import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import * as tf from '@tensorflow/tfjs'
import { SiglipConfig } from '../../src/models/siglip/configuration.js'
import { SiglipModel } from '../../src/models/siglip/modeling.js'
import { SiglipProcessor } from '../../src/processor/siglip-processor.js'
import { useBackend } from '../../src/backend/backend-node.js'
import { FREE_FIELDS } from '../../src/training/config-fingerprint.js'
import { listedData, type Sample } from '../../src/training/data/sample.js'
import { addLora } from '../../src/training/lora/add-lora.js'
import { AdamW } from '../../src/training/optimizers/adamw.js'
import { Lion } from '../../src/training/optimizers/lion.js'
import { constantSchedule } from '../../src/training/optimizers/schedule.js'
import type { TrainConfig } from '../../src/training/train-config.js'
import type { TrainOptions } from '../../src/training/train-options.js'
import { Trainer } from '../../src/training/trainer.js'
import { fixturePath } from '../fixture.js'

const image = fixturePath('images', 'small-rgb.png')
const samples = (prefix: string): Sample[] =>
  Array.from({ length: 8 }, (_, i) => ({ key: `${prefix}${i}.png`, captions: [`a ${i}`], open: () => image }))

let folder: string
let base: TrainOptions
const models: SiglipModel[] = []

/** A model that differs in its activation, which changes no shape. */
function modelWith(activation: string): SiglipModel {
  const json = base.model.config.toJSON() as { text_config: object }
  const model = new SiglipModel(
    SiglipConfig.fromJSON({ ...json, text_config: { ...json.text_config, hidden_act: activation } }),
    { seed: 1 },
  )
  models.push(model)
  return model
}

beforeAll(async () => {
  await useBackend('wasm', { quiet: true })
  folder = await mkdtemp(path.join(tmpdir(), 'siglip-config-'))
  const model = await SiglipModel.fromPretrained(fixturePath('siglip-tiny'))
  models.push(model)
  const stop = new AbortController()
  base = {
    model,
    processor: await SiglipProcessor.fromPretrained(fixturePath('siglip-tiny')),
    data: listedData(samples('a')),
    batchSize: 4,
    steps: 3,
    augmentation: { flip: 0.5, colour: { brightness: 0.2 } },
    schedule: (steps) => constantSchedule({ steps }),
    out: path.join(folder, 'run'),
  }
  const trainer = await Trainer.prepare({
    ...base,
    signal: stop.signal,
    onStep: ({ step }) => {
      if (step === 1) stop.abort()
    },
  })
  await trainer.run()
  trainer.dispose()
})
afterAll(async () => {
  for (const model of models) model.dispose()
  await rm(folder, { recursive: true })
})

type Free = (typeof FREE_FIELDS)[number]

/** For each field that the numbers depend on, options that change it, and what the message says. */
const changes: Readonly<
  Record<Exclude<keyof TrainConfig, Free>, readonly [change: () => Partial<TrainOptions>, message: RegExp][]>
> = {
  model: [[() => ({ model: modelWith('relu') }), /expected model .*hidden_act "gelu.*found model .*hidden_act "relu"/]],
  processor: [
    [
      () => ({ processor: { ...imageAndText(), toFiles: () => new Map([['x', Uint8Array.of(1)]]) } }),
      /found processor x /,
    ],
  ],
  data: [[() => ({ data: listedData(samples('b')) }), /other data.*"a0\.png".*found .*"b0\.png"/]],
  lora: [[() => ({ lora: lora(2) }), /expected lora none, found lora adapters\..*\[2,8\]/]],
  steps: [[() => ({ steps: 4 }), /expected steps 3, found steps 4/]],
  batchSize: [[() => ({ batchSize: 2 }), /expected batchSize 4, found batchSize 2/]],
  shuffle: [[() => ({ shuffle: false }), /expected shuffle true, found shuffle false/]],
  distinct: [[() => ({ distinct: 'caption' }), /expected distinct none, found distinct caption/]],
  each: [[() => ({ each: 'label' }), /expected each sample, found each label/]],
  neighbours: [[() => ({ neighbours: 2 }), /expected neighbours 1, found neighbours 2/]],
  seed: [[() => ({ seed: 1 }), /expected seed 0, found seed 1/]],
  loss: [
    [() => ({ loss: 'softmax' }), /expected loss sigmoid, found loss softmax/],
    [() => ({ loss: ({ logits }) => tf.mean(logits).asScalar() }), /found loss function \w+/],
  ],
  optimizer: [
    [() => ({ optimizer: (parameters) => new Lion({ parameters }) }), /class "AdamW".*class "Lion"/],
    [
      () => ({ optimizer: (parameters) => new AdamW({ parameters, learningRate: 1 }) }),
      /learningRate 0\.00001.*Rate 1/,
    ],
    [
      () => ({ optimizer: [{ pattern: /./, make: (parameters) => new AdamW({ parameters, learningRate: 1e-5 }) }] }),
      /0\.pattern "".*0\.pattern "\/\.\/"/,
    ],
  ],
  schedule: [[() => ({ schedule: (steps) => constantSchedule({ steps, cooldown: 2 }) }), /found schedule all /]],
  clipNorm: [[() => ({ clipNorm: Infinity }), /expected clipNorm 1, found clipNorm Infinity/]],
  maxLogitScale: [[() => ({ maxLogitScale: 100 }), /expected maxLogitScale none, found maxLogitScale 100/]],
  ema: [[() => ({ ema: 0.5 }), /expected ema none, found ema 0\.5/]],
  keepPatches: [
    [() => ({ keepPatches: { share: 0.5 } }), /expected keepPatches share 1, found keepPatches share 0\.5/],
    [() => ({ keepPatches: { share: 1, fullShare: 0 } }), /keepPatches fullShare 0\.1, found keepPatches fullShare 0/],
  ],
  microBatches: [[() => ({ microBatches: 2 }), /expected microBatches 1, found microBatches 2/]],
  augmentation: [
    [() => ({ augmentation: undefined }), /found augmentation none/],
    [() => ({ augmentation: { flip: 0.5 } }), /expected augmentation colour\.brightness 0\.2/],
  ],
  caption: [[() => ({ caption: () => 'x' }), /found caption function/]],
  matches: [[() => ({ matches: () => () => true }), /found matches function/]],
  precision: [[() => ({ precision: 'bfloat16' }), /expected precision auto, found precision bfloat16/]],
}

function imageAndText() {
  const { imageProcessor, tokenizer } = base.processor
  return { imageProcessor, tokenizer }
}

const lora = (r: number) => addLora(modelWith('gelu_pytorch_tanh'), { r, seed: 1 })

/** A message that names this field alone. */
const only = (name: string): RegExp => new RegExp(`^${name} [^;]*$`)

const isFree = (name: string): boolean => FREE_FIELDS.some((free) => free === name)

test('every field of a configuration is compared, or named as free', async () => {
  const { config, dispose } = await prepared({})
  dispose()
  expect(Object.isFrozen(config)).toBe(true)
  expect(Object.keys(config).sort()).toEqual([...Object.keys(changes), ...FREE_FIELDS].sort())
})

describe('a training with another value does not resume', () => {
  const cases = Object.entries(changes).flatMap(([name, list]) =>
    list.map(([change, message]) => ({ name, change, message })),
  )
  test.each(cases)('$name, $message', async ({ name, change, message }) => {
    const given = change()
    const refused = prepared(given)
    await expect(refused).rejects.toMatchObject({
      code: 'ERR_CONFIG',
      where: path.join(base.out, 'checkpoints', 'step-1'),
    })
    await expect(refused).rejects.toThrow(message)
    // Nothing else is named: a message that lists every field would pass, too.
    if (name !== 'data')
      await expect(refused).rejects.toMatchObject({ found: expect.stringMatching(only(name)) as string })
    given.lora?.remove()
  })
})

const free: Readonly<Record<Exclude<Free, 'resume' | 'out'>, Partial<TrainOptions>>> = {
  baseModel: { baseModel: 'other' },
  evaluators: { evaluators: { other: { every: 1, evaluate: () => Promise.resolve({}) } } },
  saveEvery: { saveEvery: 7 },
  keepCheckpoints: { keepCheckpoints: 7 },
  signal: { signal: new AbortController().signal },
  onStep: { onStep: () => undefined },
  onLeftOut: { onLeftOut: () => undefined },
  onTruncated: { onTruncated: () => undefined },
}

describe('a training with another value resumes', () => {
  test.each(Object.entries(free))('%s', async (_, change) => {
    const { step, dispose } = await prepared(change)
    dispose()
    expect(step).toBe(1)
  })

  test('out: a folder that was moved', async () => {
    const out = path.join(folder, 'moved')
    await cp(base.out, out, { recursive: true })
    const { step, dispose } = await prepared({ out })
    dispose()
    expect(step).toBe(1)
  })

  test('also with an augmentation whose keys stand in another order', async () => {
    const { step, dispose } = await prepared({ augmentation: { colour: { brightness: 0.2 }, flip: 0.5 } })
    dispose()
    expect(step).toBe(1)
  })
})

async function prepared(change: Partial<TrainOptions>) {
  expect(Object.keys(change).every((name) => isFree(name) || name in changes)).toBe(true)
  const trainer = await Trainer.prepare({ ...base, ...change, resume: true })
  const { config, step } = trainer
  const dispose = (): void => {
    trainer.dispose()
  }
  return { config, step, dispose }
}
