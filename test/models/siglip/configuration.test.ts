import { readFileSync } from 'node:fs'
import { ConfigError } from '../../../src/errors.js'
import { SiglipConfig, SiglipTextConfig, SiglipVisionConfig } from '../../../src/models/siglip/configuration.js'
import { fixturePath } from '../../fixture.js'

type Json = Record<string, unknown>
const read = (...parts: string[]): Json => JSON.parse(readFileSync(fixturePath(...parts), 'utf8')) as Json

describe('defaults', () => {
  const reference = read('configs', 'defaults.json') as Record<string, Json>
  it.each([
    ['SiglipTextConfig', () => new SiglipTextConfig()],
    ['SiglipVisionConfig', () => new SiglipVisionConfig()],
    ['SiglipConfig', () => new SiglipConfig()],
  ])('of %s are those of transformers', (name, make) => {
    expect(Object.keys(make().toJSON()).length).toBeGreaterThan(3)
    expect(reference[name]).toMatchObject(make().toJSON())
  })

  it('has two labels', () => {
    expect(new SiglipConfig().numLabels).toBe(2)
    expect(new SiglipConfig().label(1)).toBe('LABEL_1')
  })
})

describe('files', () => {
  it.each(['siglip-tiny', 'siglip-tiny-gelu', 'classifier-single', 'classifier-multi', 'classifier-regression'])(
    'of %s come back with every key',
    (folder) => {
      const file = read(folder, 'config.json')
      const json = SiglipConfig.fromJSON(file).toJSON()
      expect(json).toMatchObject(file)
      expect(SiglipConfig.fromJSON(json).toJSON()).toEqual(json)
    },
  )

  it('of another model give the configuration of the SigLIP tower inside', () => {
    const tower = read('vision-no-head', 'config.json')
    const whole = { model_type: 'paligemma', vision_config: tower }
    expect(SiglipVisionConfig.fromJSON(whole).toJSON()).toMatchObject(tower)
    expect(() => SiglipVisionConfig.fromJSON({ ...whole, vision_config: { model_type: 'clip_vision_model' } })).toThrow(
      ConfigError,
    )
  })

  it('of one tower come back with every key', () => {
    const file = read('vision-no-head', 'config.json')
    expect(SiglipVisionConfig.fromJSON(file).toJSON()).toMatchObject(file)
  })

  it('of google/siglip-base-patch16-224 are read: few keys, the rest defaults', () => {
    const file = {
      architectures: ['SiglipModel'],
      initializer_factor: 1.0,
      model_type: 'siglip',
      text_config: {
        hidden_size: 768,
        intermediate_size: 3072,
        model_type: 'siglip_text_model',
        num_attention_heads: 12,
        num_hidden_layers: 12,
        vocab_size: 32000,
      },
      torch_dtype: 'float32',
      transformers_version: '4.37.0.dev0',
      vision_config: {
        hidden_size: 768,
        intermediate_size: 3072,
        model_type: 'siglip_vision_model',
        num_attention_heads: 12,
        num_hidden_layers: 12,
        patch_size: 16,
      },
    }
    const config = SiglipConfig.fromJSON(file)
    expect(config.toJSON()).toMatchObject(file)
    expect(config.visionConfig.imageSize).toBe(224)
    expect(config.textConfig.maxPositionEmbeddings).toBe(64)
    expect(config.textConfig.projectionSize).toBe(768)
  })

  it('of a whole model may have any model_type in their towers, as transformers asks nothing of it', () => {
    const file = {
      model_type: 'siglip',
      text_config: { model_type: 'clip_text_model', hidden_size: 24 },
      vision_config: { model_type: '', hidden_size: 36 },
    }
    const { textConfig, visionConfig } = SiglipConfig.fromJSON(file)
    expect([textConfig.hiddenSize, visionConfig.hiddenSize]).toEqual([24, 36])
    expect([textConfig, visionConfig].map((config) => config.toJSON()['model_type'])).toEqual([
      'siglip_text_model',
      'siglip_vision_model',
    ])
    expect(SiglipTextConfig.fromJSON(file).toJSON()).toEqual(textConfig.toJSON())
    expect(SiglipVisionConfig.fromJSON(file).toJSON()).toEqual(visionConfig.toJSON())
  })

  it('of so400m-patch14-384 are read, although 14 does not divide 384', () => {
    const size = { hidden_size: 1152, intermediate_size: 4304, num_hidden_layers: 27, num_attention_heads: 16 }
    const { visionConfig } = SiglipConfig.fromJSON({ vision_config: { ...size, image_size: 384, patch_size: 14 } })
    expect([visionConfig.imageSize, visionConfig.patchSize]).toEqual([384, 14])
  })

  it('may have the keys of programs, lists for sides, and null for a default', () => {
    const config = SiglipVisionConfig.fromJSON({
      imageSize: [32, 32],
      patch_size: [8, 8],
      num_channels: null,
      my_key: [1],
    })
    expect(config).toMatchObject({ imageSize: 32, patchSize: 8, numChannels: 3, extra: { my_key: [1] } })
  })
})

describe('labels', () => {
  it('are made of their number', () => {
    const config = new SiglipConfig({ numLabels: 3 })
    expect(config.id2label).toEqual({ 0: 'LABEL_0', 1: 'LABEL_1', 2: 'LABEL_2' })
    expect(config.label2id).toEqual({ LABEL_0: 0, LABEL_1: 1, LABEL_2: 2 })
  })

  it('are turned around', () => {
    const config = new SiglipConfig({ id2label: { 0: 'cat', 1: 'dog' }, problemType: 'multi_label_classification' })
    expect(config.label2id).toEqual({ cat: 0, dog: 1 })
    expect(config.toJSON()).toMatchObject({
      id2label: { 0: 'cat', 1: 'dog' },
      problem_type: 'multi_label_classification',
    })
  })

  it('may have their indices as texts, as many a fine-tuning script writes them', () => {
    const config = SiglipConfig.fromJSON({ id2label: { 0: 'cat', 1: 'dog' }, label2id: { cat: '0', dog: '1' } })
    expect(config.label2id).toEqual({ cat: 0, dog: 1 })
  })

  it('may begin at 1 or have gaps: what has no name is LABEL_ and its index', () => {
    const config = SiglipConfig.fromJSON({ id2label: { 1: 'cat', 2: 'dog', 5: 'bird' } })
    expect(config.numLabels).toBe(3)
    expect([0, 1, 2].map((index) => config.label(index))).toEqual(['LABEL_0', 'cat', 'dog'])
  })

  it('may be numbers', () => {
    const config = SiglipConfig.fromJSON({ id2label: { 0: 10, 1: 20 } })
    expect([config.label(0), config.label2id]).toEqual(['10', { 10: 0, 20: 1 }])
  })
})

it('makes one of two towers', () => {
  const text = new SiglipTextConfig({ hiddenSize: 24, numAttentionHeads: 2, extra: { note: 'kept' } })
  const vision = new SiglipVisionConfig({ hiddenSize: 24, numAttentionHeads: 3 })
  const config = SiglipConfig.fromTextVisionConfigs(text, vision, { problemType: 'regression' })
  expect(config.textConfig.toJSON()).toEqual(text.toJSON())
  expect(config.visionConfig.toJSON()).toEqual(vision.toJSON())
  expect(config.problemType).toBe('regression')
})

describe('what describes no model', () => {
  const cyclic: Json = {}
  cyclic['self'] = cyclic
  const faults: [string, () => unknown, RegExp][] = [
    ['no object', () => new SiglipVisionConfig(null as never), /expected an object, found null/],
    [
      'half a layer',
      () => new SiglipVisionConfig({ numHiddenLayers: 1.5 }),
      /num_hidden_layers: expected a whole number/,
    ],
    ['a width of 0', () => new SiglipTextConfig({ hiddenSize: 0 }), /hidden_size: expected .* found 0 \(text_config\)/],
    ['a text as a number', () => SiglipTextConfig.fromJSON({ vocab_size: '7' }), /vocab_size: .*found "7"/],
    ['a number as a text', () => SiglipVisionConfig.fromJSON({ hidden_act: 7 }), /hidden_act: expected one of gelu/],
    ['an unknown activation', () => new SiglipVisionConfig({ hiddenAct: 'swiglu' }), /hidden_act.*"swiglu"/],
    [
      'heads that do not divide',
      () => new SiglipTextConfig({ numAttentionHeads: 7 }),
      /divisor of hidden_size, 768, found 7/,
    ],
    [
      'a patch larger than the image',
      () => new SiglipVisionConfig({ patchSize: 225 }),
      /at most image_size, 224, found 225/,
    ],
    [
      'an image that is no square',
      () => SiglipVisionConfig.fromJSON({ image_size: [32, 16] }),
      /image_size: .*\[32,16\]/,
    ],
    ['a rate above 1', () => new SiglipVisionConfig({ attentionDropout: 1.5 }), /attention_dropout: .*from 0 to 1/],
    [
      'a flag that is none',
      () => SiglipVisionConfig.fromJSON({ vision_use_head: 'no' }),
      /vision_use_head: .*true or false/,
    ],
    [
      'another model',
      () => SiglipTextConfig.fromJSON({ model_type: 'clip_text_model' }),
      /model_type: .*siglip_text_model/,
    ],
    [
      'a tower of another family',
      () => SiglipVisionConfig.fromJSON({ model_type: 'siglip2', vision_config: {} }),
      /model_type: .*siglip_vision_model.*"siglip2_vision_model"/,
    ],
    [
      'a tower that is none',
      () => SiglipConfig.fromJSON({ text_config: 3 }),
      /text_config: expected an object, found 3/,
    ],
    [
      'a problem that is none',
      () => SiglipConfig.fromJSON({ problem_type: 'x' }),
      /problem_type: .*regression.*found "x"/,
    ],
    [
      'one class of one',
      () => SiglipConfig.fromJSON({ problem_type: 'single_label_classification', num_labels: 1 }),
      /problem_type/,
    ],
    [
      'labels by name',
      () => SiglipConfig.fromJSON({ id2label: { cat: 'cat' } }),
      /whole numbers for keys, found "cat"/,
    ],
    ['indices that are none', () => SiglipConfig.fromJSON({ label2id: { a: '1.5' } }), /label2id: .*found "1.5"/],
    ['labels that are no names', () => SiglipConfig.fromJSON({ id2label: { 0: [7] } }), /id2label/],
    ['no labels', () => new SiglipConfig({ numLabels: 0 }), /num_labels: expected a whole number from 1 .*found 0/],
    ['two counts of labels', () => SiglipConfig.fromJSON({ num_labels: 3, id2label: { 0: 'a' } }), /found 3/],
    ['what JSON has not', () => SiglipConfig.fromJSON({ extra_key: cyclic }), /extra_key: expected a JSON value/],
  ]

  it.each(faults)('%s', (_, make, message) => {
    expect(make).toThrow(ConfigError)
    expect(make).toThrow(message)
  })
})
