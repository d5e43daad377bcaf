import * as tf from '@tensorflow/tfjs'
import { ConfigError, InputError } from '../../src/errors.js'
import { Embedding } from '../../src/layers/embedding.js'
import { LayerNorm, Linear } from '../../src/layers/linear.js'
import { Module, ParameterScope } from '../../src/layers/module.js'
import { SiglipAttention } from '../../src/layers/attention.js'
import { SiglipEncoderLayer, SiglipEncoder, SiglipMLP } from '../../src/layers/encoder.js'
import { SiglipMultiheadAttentionPoolingHead, SiglipVisionEmbeddings } from '../../src/models/siglip/vision-model.js'
import { SiglipTextEmbeddings } from '../../src/models/siglip/text-model.js'
import { onEachBackend } from '../backends.js'
import { deviation } from '../fixture.js'
import { leaked } from '../leaks.js'
import { savedAndLoaded } from '../saved-and-loaded.js'
import { tinyIds, tinyPixels } from '../tiny-models.js'

const encoder = {
  hiddenSize: 12,
  intermediateSize: 20,
  numHiddenLayers: 2,
  numAttentionHeads: 3,
  hiddenAct: 'xielu',
  layerNormEps: 1e-6,
  attentionDropout: 0,
}
const text = { vocabSize: 31, hiddenSize: 12, maxPositionEmbeddings: 5 }
const vision = { hiddenSize: 12, numChannels: 3, imageSize: 8, patchSize: 4 }

const hidden = () => tf.randomNormal([2, 5, 12], 0, 1, 'float32', 5)
const hiddenInput = () => tf.input({ shape: [5, 12] })
const idInput = () => tf.input({ shape: [5], dtype: 'int32' })

const layers = [
  { name: 'Linear', make: () => new Linear({ inFeatures: 12, outFeatures: 7 }), input: hiddenInput, value: hidden },
  { name: 'LayerNorm', make: () => new LayerNorm({ size: 12, eps: 1e-5 }), input: hiddenInput, value: hidden },
  {
    name: 'Embedding',
    make: () => new Embedding({ numEmbeddings: 31, embeddingDim: 6 }),
    input: idInput,
    value: tinyIds,
  },
  { name: 'SiglipAttention', make: () => new SiglipAttention(encoder), input: hiddenInput, value: hidden },
  { name: 'SiglipMLP', make: () => new SiglipMLP(encoder), input: hiddenInput, value: hidden },
  { name: 'SiglipEncoderLayer', make: () => new SiglipEncoderLayer(encoder), input: hiddenInput, value: hidden },
  { name: 'SiglipEncoder', make: () => new SiglipEncoder(encoder), input: hiddenInput, value: hidden },
  {
    name: 'SiglipMultiheadAttentionPoolingHead',
    make: () => new SiglipMultiheadAttentionPoolingHead(encoder),
    input: hiddenInput,
    value: hidden,
  },
  { name: 'SiglipTextEmbeddings', make: () => new SiglipTextEmbeddings(text), input: idInput, value: tinyIds },
  {
    name: 'SiglipVisionEmbeddings',
    make: () => new SiglipVisionEmbeddings(vision),
    input: () => tf.input({ shape: [3, 8, 8] }),
    value: tinyPixels,
  },
]

onEachBackend(() => {
  describe.each(layers)('$name', ({ make, input, value }) => {
    it('says its output shape before it computes', () => {
      const layer = make()
      const symbolic = layer.apply(input()) as tf.SymbolicTensor
      const output = layer.apply(value()) as tf.Tensor
      expect(symbolic.shape.slice(1)).toEqual(output.shape.slice(1))
      expect(symbolic.shape[0]).toBeNull()
    })

    it('comes back from a saved tf.model with equal outputs', async () => {
      const at = input()
      const model = tf.model({ inputs: at, outputs: make().apply(at) as tf.SymbolicTensor })
      const restored = await savedAndLoaded(model)
      const x = value()
      expect(deviation(restored.predict(x) as tf.Tensor, model.predict(x) as tf.Tensor)).toBe(0)
    })

    it('leaves nothing behind when it is applied and disposed', async () => {
      const x = value()
      const passes = await leaked(() => {
        const layer = make()
        tf.dispose(layer.apply(x) as tf.Tensor)
        layer.dispose()
      })
      expect(passes).toBe(0)
    })
  })
})

describe('settings', () => {
  const odd = { keepMe: 'snake_case and CamelCase, ÉCOLE ü 日本 \\ " \n', a_B: 1 }

  class Odd extends Module {
    static readonly className = 'Odd'
    constructor(readonly given: unknown = odd) {
      super(odd)
    }
    protected infer([x]: readonly [tf.Tensor]) {
      return x
    }
  }

  it('survive the rewriting that tfjs does to keys and values', async () => {
    tf.serialization.registerClass(Odd)
    const at = tf.input({ shape: [2] })
    const restored = await savedAndLoaded(tf.model({ inputs: at, outputs: new Odd().apply(at) as tf.SymbolicTensor }))
    const layer = restored.layers.find((l) => l instanceof Odd)
    expect(layer?.given).toEqual(odd)
    expect(layer?.given).not.toBe(odd)
  })

  it('that are none are an error', () => {
    expect(() => Linear.fromConfig(Linear as never, { name: 'x' })).toThrow(ConfigError)
  })
})

describe('dispose', () => {
  it('frees at once what is in no tf.model, and is of no effect the second time', async () => {
    expect(
      await leaked(() => {
        const layer = new SiglipMLP(encoder)
        layer.dispose()
        layer.dispose()
      }),
    ).toBe(0)
  })

  it('waits for the last tf.model that the layer is in', () => {
    const layer = new Linear({ inFeatures: 2, outFeatures: 2 })
    const models = [1, 2].map(() => {
      const at = tf.input({ shape: [2] })
      return tf.model({ inputs: at, outputs: layer.apply(at) as tf.SymbolicTensor })
    })
    models[0]!.dispose()
    expect(layer.parameters().map(({ variable }) => variable.isDisposed)).toEqual([false, false])
    models[1]!.dispose()
    expect(layer.parameters().map(({ variable }) => variable.isDisposed)).toEqual([true, true])
  })

  it('leaves a layer that says so', () => {
    const layer = new Linear({ inFeatures: 2, outFeatures: 2 })
    layer.dispose()
    expect(() => layer.forward(tf.ones([1, 2]))).toThrow(InputError)
    expect(() => layer.forward(tf.ones([1, 2]))).toThrow(/disposed/)
  })
})

describe('a layer that cannot be built', () => {
  const broken = [
    ['an unknown activation', () => new SiglipEncoder({ ...encoder, hiddenAct: 'nope' })],
    ['heads that do not divide', () => new SiglipEncoderLayer({ ...encoder, numAttentionHeads: 5 })],
    ['no heads', () => new SiglipAttention({ ...encoder, numAttentionHeads: 0 })],
    ['an activation of the head', () => new SiglipMultiheadAttentionPoolingHead({ ...encoder, hiddenAct: 'nope' })],
    ['half a neuron', () => new SiglipMLP({ ...encoder, intermediateSize: 1.5 })],
    ['a negative width', () => new SiglipEncoder({ ...encoder, intermediateSize: -4 })],
    ['more than tfjs can count', () => new SiglipEncoder({ ...encoder, intermediateSize: 2 ** 30 })],
  ] as const

  it.each(broken)('for %s is a ConfigError and leaves no weight', async (_, build) => {
    expect(build).toThrow(ConfigError)
    expect(await leaked(build)).toBe(0)
  })

  it('for weights that do not come leaves none of those that came', async () => {
    const half = (): SiglipEncoder => {
      let count = 0
      const scope = new ParameterScope(({ shape }) => {
        if (++count > 20) throw new InputError('no more')
        return tf.zeros([...shape])
      })
      return new SiglipEncoder(encoder, { scope })
    }
    expect(half).toThrow(InputError)
    expect(await leaked(half)).toBe(0)
  })
})

describe('trainable', () => {
  it('is the part’s and the whole’s at once', () => {
    const layer = new SiglipEncoderLayer(encoder)
    const all = layer.trainableWeights.length
    layer.trainable = false
    expect(layer.trainableWeights).toEqual([])
    layer.trainable = true
    expect(layer.trainableWeights.length).toBe(all)
  })

  it('is never a buffer', () => {
    const names = new SiglipMLP(encoder).trainableWeights.map(({ name }) => name)
    expect(names.some((name) => name.includes('alpha_p'))).toBe(true)
    expect(names.some((name) => /beta|eps/.test(name))).toBe(false)
  })
})
