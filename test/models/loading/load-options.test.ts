import { readFileSync } from 'node:fs'
import * as tf from '@tensorflow/tfjs'
import { parseSafetensors, toFloat32 } from '../../../converters/formats/safetensors.js'
import { WeightsError } from '../../../src/errors.js'
import { MemoryFolder } from '../../../src/hub/memory-folder.js'
import type { LoadingInfo } from '../../../src/models/loading/compare-weights.js'
import { AutoModel } from '../../../src/models/auto/auto-model.js'
import { SiglipForImageClassification } from '../../../src/models/siglip/image-classification.js'
import { SiglipModel } from '../../../src/models/siglip/modeling.js'
import { SiglipVisionModel } from '../../../src/models/siglip/vision-model.js'
import { onEachBackend } from '../../backends.js'
import { deviation, fixturePath, readFixture } from '../../fixture.js'

onEachBackend(() => {
  let warn: jest.SpyInstance
  beforeEach(() => {
    warn = jest.spyOn(console, 'warn').mockImplementation(() => undefined)
  })
  afterEach(() => {
    warn.mockRestore()
  })

  it('a base checkpoint loaded as a classifier keeps its tower, gets a new head, and says so', async () => {
    const labels = { id2label: { 0: 'cat', 1: 'dog', 2: 'other' }, seed: 5 }
    const classifier = await SiglipForImageClassification.fromPretrained(fixturePath('siglip-tiny'), labels)
    const base = await SiglipVisionModel.fromPretrained(fixturePath('siglip-tiny'))
    expect(classifier.config.numLabels).toBe(3)
    expect(classifier.config.label2id).toEqual({ cat: 0, dog: 1, other: 2 })
    expect(warn.mock.calls.map(String)).toEqual([expect.stringMatching(/has no classifier/)])
    for (const [name, variable] of base.namedParameters()) {
      expect(deviation(classifier.namedParameters().get(`vision_model.${name}`) ?? tf.scalar(0), variable)).toBe(0)
    }
    const again = await SiglipForImageClassification.fromPretrained(fixturePath('siglip-tiny'), labels)
    const head = (model: SiglipForImageClassification) => model.namedParameters().get('classifier.weight')?.arraySync()
    expect(head(again)).toEqual(head(classifier))
    for (const model of [classifier, base, again]) model.dispose()
  })

  it('weights alone, of a width that tells no heads, load with the number of heads', async () => {
    const bytes = readFileSync(fixturePath('formats', 'vision-v4.safetensors'))
    const alone = new MemoryFolder(new Map([['model.safetensors', bytes]]))
    await expect(AutoModel.fromPretrained(alone)).rejects.toThrow(
      /The number of attention heads is unknown.*heads in a program/,
    )
    const model = await AutoModel.fromPretrained(alone, { heads: 4 })
    expect(model.config).toMatchObject({ modelType: 'siglip_vision_model', numAttentionHeads: 4 })
    model.dispose()
  })

  it('weights of other shapes than the configuration says are refused, or start at random by ignoreMismatchedSizes', async () => {
    const files = (name: string) => readFileSync(fixturePath('classifier-single', name))
    const config = JSON.parse(files('config.json').toString()) as { vision_config: object }
    const other = { ...config, vision_config: { ...config.vision_config, intermediate_size: 24 } }
    const folder = new MemoryFolder(
      new Map([
        ['config.json', Buffer.from(JSON.stringify(other))],
        ['model.safetensors', files('model.safetensors')],
      ]),
    )
    for (const options of [{}, { numLabels: 3 }]) {
      const loading = SiglipForImageClassification.fromPretrained(folder, options)
      await expect(loading).rejects.toThrow(WeightsError)
      await expect(loading).rejects.toThrow(/fc1\.weight \(expected \[24, 32\].*ignoreMismatchedSizes/)
    }
    const model = await SiglipForImageClassification.fromPretrained(folder, { ignoreMismatchedSizes: true })
    expect(warn.mock.calls.map(String)).toEqual([expect.stringMatching(/fc1\.weight.*in other shapes/)])
    model.dispose()
  })

  it('a classifier of another number of labels starts at random, and says so', async () => {
    const options = { numLabels: 3, seed: 5 }
    let info: LoadingInfo | undefined
    const load = (onLoadingInfo?: (loaded: LoadingInfo) => void) =>
      SiglipForImageClassification.fromPretrained(fixturePath('classifier-single'), { ...options, onLoadingInfo })
    const model = await load((loaded) => {
      info = loaded
    })
    const before = await SiglipForImageClassification.fromPretrained(fixturePath('classifier-single'))
    expect(warn.mock.calls.map(String)).toEqual([
      expect.stringMatching(/has classifier\.weight, classifier\.bias in other shapes/),
    ])
    expect(info?.mismatchedKeys.map(({ name }) => name)).toEqual(['classifier.weight', 'classifier.bias'])
    expect(model.config.numLabels).toBe(3)
    const [parameters, again] = [model, await load()].map((loaded) => loaded.namedParameters())
    for (const [name, variable] of before.namedParameters()) {
      if (!name.startsWith('classifier.')) expect(deviation(parameters!.get(name)!, variable)).toBe(0)
    }
    const head = parameters!.get('classifier.weight')!
    expect(head.shape).toEqual([3, 32])
    expect(head.arraySync()).toEqual(again!.get('classifier.weight')!.arraySync())
    tf.dispose([...parameters!.values(), ...again!.values()])
    before.dispose()
  })

  it('ignoreMismatchedSizes is no leave for missing weights', async () => {
    const options = { ignoreMismatchedSizes: true }
    await expect(SiglipModel.fromPretrained(fixturePath('classifier-single'), options)).rejects.toThrow(/missing: /)
  })

  it('another imageSize gives what interpolatePosEncoding gives', async () => {
    const expected = readFixture('siglip-tiny', 'expected.safetensors')
    const model = await SiglipModel.fromPretrained(fixturePath('siglip-tiny'), { imageSize: 48 })
    const before = tf.memory().numTensors
    tf.tidy(() => {
      const { poolerOutput } = model.getImageFeatures({ pixelValues: expected.tensor('in.interpolate.48x48') })
      expect(deviation(poolerOutput, expected.tensor('interpolate.48x48.pooler_output'))).toBeLessThan(1e-5)
    })
    expect(tf.memory().numTensors).toBe(before)
    expect(model.config.visionConfig.imageSize).toBe(48)
    model.dispose()
  })

  it.each([
    ['float16', 'model-f16.safetensors'],
    ['bfloat16', 'model-bf16.safetensors'],
  ] as const)('dtype %s gives the weights of a checkpoint that torch rounded so', async (dtype, file) => {
    const model = await SiglipModel.fromPretrained(fixturePath('siglip-tiny'), { dtype })
    const stored = parseSafetensors(readFileSync(fixturePath('formats', file))).tensors
    for (const [name, variable] of model.namedParameters()) {
      tf.tidy(() => {
        const { data = new Uint16Array(), shape = [] } = stored.get(name) ?? {}
        const bytes = new Uint8Array(data.buffer.slice(0))
        const expected = tf.tensor(toFloat32(dtype === 'float16' ? 'F16' : 'BF16', bytes), [...shape])
        expect([name, deviation(variable, expected)]).toEqual([name, 0])
      })
    }
    model.dispose()
  })
})
