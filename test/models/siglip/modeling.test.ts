import * as tf from '@tensorflow/tfjs'
import { ConfigError, InputError } from '../../../src/errors.js'
import { SiglipForImageClassification } from '../../../src/models/siglip/image-classification.js'
import { SiglipModel } from '../../../src/models/siglip/modeling.js'
import type { TensorInput } from '../../../src/backend/tensor-input.js'
import { onEachBackend } from '../../backends.js'
import { leaked } from '../../leaks.js'
import { tiny, tinyIds, tinyPixels, tinyVision } from '../../tiny-models.js'

onEachBackend(() => {
  let model: SiglipModel
  let classifier: SiglipForImageClassification
  let tagger: SiglipForImageClassification
  let inputIds: tf.Tensor2D
  let pixelValues: tf.Tensor4D
  beforeEach(() => {
    tf.engine().startScope()
    model = new SiglipModel(tiny, { seed: 1, logits: { batchSize: 2 } })
    classifier = new SiglipForImageClassification(tiny, { seed: 1 })
    tagger = new SiglipForImageClassification(tiny, { seed: 1 })
    inputIds = tinyIds()
    pixelValues = tinyPixels()
  })
  afterEach(() => {
    tf.engine().endScope()
    model.dispose()
    classifier.dispose()
    tagger.dispose()
  })

  describe('gradients', () => {
    const loss = () => model.forward({ inputIds, pixelValues }, { returnLoss: true }).loss!

    it('reach every parameter', () => {
      const { grads } = tf.variableGrads(loss)
      for (const variable of model.namedParameters().values())
        expect(grads[variable.name]?.shape).toEqual(variable.shape)
    })

    it('reach no frozen tower', () => {
      model.visionModel.trainable = false
      const { grads } = tf.variableGrads(loss)
      const reached = [...model.namedParameters()].filter(([, { name }]) => grads[name]).map(([name]) => name)
      expect(reached.filter((name) => name.startsWith('vision_model'))).toEqual([])
      expect(reached).toContain('text_model.head.weight')
    })

    it.each([
      'logit_scale',
      'text_model.embeddings.position_embedding.weight',
      'text_model.encoder.layers.0.self_attn.q_proj.weight',
      'vision_model.embeddings.patch_embedding.weight',
      'vision_model.head.attention.in_proj_weight',
    ])('are the slope of the loss: %s', (name) => {
      const variable = model.namedParameters().get(name)!
      const gradient = tf.variableGrads(loss, [variable]).grads[variable.name]!
      const length = tf.norm(gradient).arraySync() as number
      const direction = tf.div(gradient, length)
      const start = variable.clone()
      const step = 1e-2
      const at = (distance: number) => {
        variable.assign(tf.add(start, tf.mul(direction, distance)))
        return loss().arraySync()
      }
      const slope = (8 * (at(step) - at(-step)) - (at(2 * step) - at(-2 * step))) / (12 * step)
      expect(Math.abs(slope - length) / length).toBeLessThan(0.01)
    })
  })

  describe('leaves no tensor behind', () => {
    /** The inputs of a call, which are the test's to dispose. */
    const mine: tf.Tensor[] = []
    const input = (tensor: tf.Tensor): tf.Tensor => {
      mine.push(tensor)
      return tensor
    }
    const labels = (dtype: 'int32' | 'float32', shape: number[]) => input(tf.zeros(shape, dtype))
    const calls: [string, () => unknown][] = [
      ['forward', () => model.forward({ inputIds, pixelValues })],
      [
        'forward with everything',
        () =>
          model.forward(
            {
              inputIds,
              pixelValues,
              attentionMask: input(tf.onesLike(inputIds)),
              positionIds: input(tf.zerosLike(inputIds)),
            },
            { returnLoss: true, outputHiddenStates: true, outputAttentions: true, interpolatePosEncoding: true },
          ),
      ],
      ['arrays', () => model.getTextFeatures({ inputIds: { data: Int32Array.of(1, 2), shape: [1, 2] } })],
      [
        'features of images',
        () => model.getImageFeatures({ pixelValues: input(tf.zeros([1, 3, 14, 9])) }, { interpolatePosEncoding: true }),
      ],
      [
        'training',
        () => model.forward({ inputIds, pixelValues }, { training: true, dropoutSeed: 1, returnLoss: true }),
      ],
      ['classes', () => classifier.forward({ pixelValues }, { labels: labels('int32', [2]) })],
      ['several classes', () => tagger.forward({ pixelValues }, { labels: labels('float32', [2, 4]) })],
      ['bad labels', () => tagger.forward({ pixelValues }, { labels: labels('float32', [3]) })],
      [
        'The labels of pairs are missing',
        () => model.forward({ inputIds: input(tf.slice(inputIds, 0, 1)), pixelValues }, { returnLoss: true }),
      ],
      ['a text too long', () => model.getTextFeatures({ inputIds: input(tf.zeros([1, 6], 'int32')) })],
      ['an image too small', () => model.getImageFeatures({ pixelValues: input(tf.zeros([1, 3, 4, 4])) })],
      ['headless', () => new SiglipModel({ ...tiny, visionConfig: { ...tinyVision, visionUseHead: false } }).dispose()],
    ]
    it.each(calls)('%s', async (_, call) => {
      const left = await leaked(() => {
        try {
          return call()
        } finally {
          tf.dispose(mine.splice(0))
        }
      })
      expect(left).toBe(0)
    })
  })

  describe('is an InputError for', () => {
    const gone = () => {
      const tensor = tinyPixels()
      tensor.dispose()
      return tensor
    }
    const ids = (values: unknown): TensorInput => values as TensorInput
    const faults: [string, () => unknown, RegExp][] = [
      ['no ids', () => model.getTextFeatures({} as never), /inputIds: expected a tensor.*found nothing/],
      ['plain arrays', () => model.getTextFeatures({ inputIds: ids([[1, 2]]) }), /found another object, Array/],
      [
        'an id beyond the vocabulary',
        () => model.getTextFeatures({ inputIds: tf.tensor2d([[1, 31]], [1, 2], 'int32') }),
        /from 0 to 30, found 31 at 1/,
      ],
      [
        'a negative id',
        () => model.getTextFeatures({ inputIds: { data: Int32Array.of(-1), shape: [1, 1] } }),
        /found -1 at 0/,
      ],
      ['NaN as an id', () => model.getTextFeatures({ inputIds: tf.tensor2d([[NaN]]) }), /found NaN/],
      ['half an id', () => model.getTextFeatures({ inputIds: tf.tensor2d([[1.5]]) }), /found 1\.5/],
      [
        'ids as texts',
        () => model.getTextFeatures({ inputIds: tf.tensor2d([['a']]) }),
        /tensor of numbers, found string/,
      ],
      [
        'ids in three dimensions',
        () => model.getTextFeatures({ inputIds: tf.zeros([1, 1, 2], 'int32') }),
        /\[batch, length\], found int32 \[1, 1, 2\]/,
      ],
      ['no id at all', () => model.getTextFeatures({ inputIds: tf.zeros([0, 5], 'int32') }), /inputIds/],
      [
        'a text too long',
        () => model.getTextFeatures({ inputIds: tf.zeros([1, 6], 'int32') }),
        /at most 5 tokens, found 6.*truncation/,
      ],
      [
        'another shape of the mask',
        () => model.getTextFeatures({ inputIds, attentionMask: tf.ones([2, 4]) }),
        /attentionMask: expected \[2, 5\]/,
      ],
      [
        'a mask of twos',
        () => model.getTextFeatures({ inputIds, attentionMask: tf.fill([2, 5], 2) }),
        /attentionMask.*found 2/,
      ],
      [
        'a place that is none',
        () => model.getTextFeatures({ inputIds, positionIds: tf.fill([2, 5], 5, 'int32') }),
        /positionIds.*found 5/,
      ],
      [
        'fewer values than the shape',
        () => model.getTextFeatures({ inputIds: { data: Int32Array.of(1), shape: [1, 2] } }),
        /2 values/,
      ],
      [
        'a negative shape',
        () => model.getTextFeatures({ inputIds: { data: Int32Array.of(1), shape: [-1, -1] } }),
        /inputIds/,
      ],
      [
        'big integers',
        () => model.getTextFeatures({ inputIds: ids({ data: BigInt64Array.of(1n), shape: [1, 1] }) }),
        /Int32Array/,
      ],
      [
        'pixels as bytes',
        () => model.getImageFeatures({ pixelValues: ids({ data: new Uint8Array(192), shape: [1, 3, 8, 8] }) }),
        /Float32Array/,
      ],
      [
        'channels last',
        () => model.getImageFeatures({ pixelValues: tf.zeros([1, 8, 8, 3]) }),
        /\[batch, 3, height, width\], found float32 \[1, 8, 8, 3\]/,
      ],
      ['no images', () => model.getImageFeatures({ pixelValues: tf.zeros([0, 3, 8, 8]) }), /found float32 \[0, 3/],
      ['no batch', () => model.getImageFeatures({ pixelValues: tf.zeros([3, 8, 8]) }), /batch/],
      [
        'another size',
        () => model.getImageFeatures({ pixelValues: tf.zeros([1, 3, 12, 8]) }),
        /interpolatePosEncoding/,
      ],
      [
        'less than a patch',
        () => model.getImageFeatures({ pixelValues: tf.zeros([1, 3, 3, 8]) }, { interpolatePosEncoding: true }),
        /at least a patch, 4/,
      ],
      ['what is disposed', () => model.getImageFeatures({ pixelValues: gone() }), /disposed/],
      [
        'a loss of unequal numbers',
        () => model.forward({ inputIds: tinyIds(1), pixelValues }, { returnLoss: true }),
        /as many texts as images/,
      ],
      ['embeddings of two widths', () => model.logits(tf.ones([1, 3]), tf.ones([1, 4])), /width/],
      [
        'a class too many',
        () => classifier.forward({ pixelValues }, { labels: { data: Int32Array.of(0, 4), shape: [2] } }),
        /from 0 to 3, or -100, found 4 at 1/,
      ],
      [
        'a class below',
        () => classifier.forward({ pixelValues }, { labels: tf.tensor1d([0, -1], 'int32') }),
        /found -1/,
      ],
      [
        'too few labels',
        () => classifier.forward({ pixelValues }, { labels: tf.tensor1d([0], 'int32') }),
        /labels: expected \[2\], found \[1\]/,
      ],
      [
        'labels the other way round',
        () => tagger.forward({ pixelValues }, { labels: tf.zeros([4, 2]) }),
        /labels: expected \[2, 4\]/,
      ],
      ['labels in a list', () => classifier.forward({ pixelValues }, { labels: ids([0, 1]) }), /labels.*Array/],
    ]
    it.each(faults)('%s', (_, call, message) => {
      expect(call).toThrow(InputError)
      expect(call).toThrow(message)
    })
  })

  it('says that a tower without its head makes no embeddings', () => {
    const headless = new SiglipModel({ ...tiny, visionConfig: { ...tinyVision, visionUseHead: false } })
    expect(() => headless.forward({ inputIds, pixelValues })).toThrow(ConfigError)
    headless.dispose()
  })

  // As `ForSequenceClassificationLoss` of transformers' `loss_utils.py`, which sets `config.problem_type`.
  it.each([
    ['single_label_classification', 3, { data: Int32Array.of(0, 2), shape: [2] }],
    ['multi_label_classification', 3, { data: Float32Array.of(1, 0, 1, 0, 1, 1), shape: [2, 3] }],
    ['regression', 1, { data: Float32Array.of(0.3, 0.7), shape: [2] }],
  ] as const)('keeps the problem that the first loss was of: %s', (problem, numLabels, labels) => {
    const model = new SiglipForImageClassification({ ...tiny, numLabels })
    const bad = tf.zeros([3, 3, 3])
    expect(() => model.forward({ pixelValues }, { labels: bad })).toThrow(InputError)
    expect(model.config.problemType).toBeUndefined()
    tf.dispose(model.forward({ pixelValues }, { labels }))
    expect(model.config.problemType).toBe(problem)
    expect(model.config.toJSON()['problem_type']).toBe(problem)
    tf.dispose(bad)
    model.dispose()
  })

  it('takes no notice of labels of −100', () => {
    const lossOf = (pixels: tf.Tensor, labels: number[]) =>
      classifier.forward({ pixelValues: pixels }, { labels: tf.tensor1d(labels, 'int32') }).loss!.arraySync()
    expect(lossOf(pixelValues, [2, -100])).toBeCloseTo(lossOf(tf.slice(pixelValues, 0, 1), [2]), 5)
  })
})

describe('random weights', () => {
  const tower = { hiddenSize: 96, intermediateSize: 160, numHiddenLayers: 2, numAttentionHeads: 4 }
  const config = {
    textConfig: { ...tower, vocabSize: 300, maxPositionEmbeddings: 40 },
    visionConfig: { ...tower, imageSize: 64, patchSize: 8 },
    numLabels: 10,
  }
  /** Each kind's mean, deviation and largest size in transformers 5, where it is bounded. */
  const kinds: [RegExp, { mean: number; std: number; bound?: number }][] = [
    [/^logit_/, { mean: 0, std: 0 }],
    [/norm\d?\.weight$/, { mean: 1, std: 0 }],
    [/mlp\.fc\d\.bias$/, { mean: 0, std: 1e-6 }],
    [/bias$/, { mean: 0, std: 0 }],
    [/(token|position)_embedding\.weight$/, { mean: 0, std: 0.1021 }],
    [/self_attn\.\w+_proj\.weight$/, { mean: 0, std: 0.1021, bound: 0.17678 }],
    [/mlp\.fc\d\.weight$/, { mean: 0, std: 0.0884, bound: 0.15309 }],
    [/probe$/, { mean: 0, std: 0.1021, bound: 0.17678 }],
    [/in_proj_weight$/, { mean: 0, std: 0.0722, bound: 0.125 }],
    [/head\.attention\.out_proj\.weight$|text_model\.head\.weight$/, { mean: 0, std: 0.116 }],
    [/patch_embedding\.weight$/, { mean: 0, std: 0.0821 }],
    [/^classifier\.weight$/, { mean: 0, std: 0.1021 }],
  ]
  it.each([
    ['SiglipModel', () => new SiglipModel(config, { seed: 5 })],
    ['SiglipForImageClassification', () => new SiglipForImageClassification(config, { seed: 5 })],
  ])('of %s are drawn as in transformers', (_, make) => {
    const model = make()
    for (const [name, variable] of model.namedParameters()) {
      const expected = kinds.find(([pattern]) => pattern.test(name))![1]
      const values = variable.dataSync<'float32'>()
      const mean = values.reduce((sum, x) => sum + x, 0) / values.length
      const std = Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length)
      // five deviations of the estimates, and the rounding of the table above
      const found = { name, mean: Math.abs(mean - expected.mean), std: Math.abs(std - expected.std) }
      const [meanBy, stdBy] = [5 / Math.sqrt(values.length), 5 / Math.sqrt(2 * values.length) + 1e-3]
      expect(found.mean).toBeLessThanOrEqual(expected.std * meanBy)
      expect({ ...found, fits: found.std <= expected.std * stdBy }).toMatchObject({ fits: true })
      if (expected.bound === undefined) continue
      const largest = Math.max(...values.map(Math.abs))
      expect(largest).toBeLessThan(expected.bound * 1.0001)
      expect(largest).toBeGreaterThan(expected.bound * 0.9)
    }
    model.dispose()
  })

  it.each([
    ['transformers', 0, 0],
    ['paper', Math.log(10), -10],
    [{ batchSize: 32 }, Math.log(10), -Math.log(31)],
  ] as const)('start the logits by the rule %j', (logits, scale, bias) => {
    const model = new SiglipModel(tiny, { logits })
    expect(model.namedParameters().get('logit_scale')!.dataSync()[0]).toBeCloseTo(scale, 6)
    expect(model.namedParameters().get('logit_bias')!.dataSync()[0]).toBeCloseTo(bias, 5)
    model.dispose()
  })

  it('need a batch of two for a bias', async () => {
    const make = () => new SiglipModel(tiny, { logits: { batchSize: 1 } })
    expect(make).toThrow(InputError)
    expect(await leaked(make)).toBe(0)
  })
})
