import * as tf from '@tensorflow/tfjs'
import { InputError, WeightsError } from '../../../src/errors.js'
import { SiglipTextModel } from '../../../src/models/siglip/text-model.js'
import { SiglipVisionModel } from '../../../src/models/siglip/vision-model.js'
import type { TensorInput } from '../../../src/backend/tensor-input.js'
import { onEachBackend } from '../../backends.js'
import { deviation } from '../../fixture.js'
import { leaked } from '../../leaks.js'
import { savedAndLoaded } from '../../saved-and-loaded.js'
import { family, tinyIds, tinyPixels, tinyText, tinyVision } from '../../tiny-models.js'

const only = <T>(values: T[]): T | T[] => (values.length === 1 ? values[0]! : values)
const list = <T>(value: T | T[]): T[] => (Array.isArray(value) ? value : [value])

onEachBackend(() => {
  describe.each(family)('$name as a tfjs layer', ({ name, make, inputs, values }) => {
    it('makes symbolic tensors of the shape that its outputs have', () => {
      const model = make()
      const symbolic = list(model.apply(only(inputs())) as tf.SymbolicTensor)
      const outputs = list(model.apply(only(values())) as tf.Tensor)
      const batch = ({ shape }: tf.SymbolicTensor, i: number) => shape.map((n, axis) => n ?? outputs[i]!.shape[axis])
      expect(symbolic.map(batch)).toEqual(outputs.map(({ shape }) => shape))
    })

    it('comes back from model.save with equal outputs and names', async () => {
      const at = inputs()
      const layer = make()
      const model = tf.model({ inputs: at, outputs: layer.apply(only(at)) as tf.SymbolicTensor })
      const restored = await savedAndLoaded(model)
      const x = values()
      const [before, after] = [model, restored].map((m) => list(m.predict(x) as tf.Tensor))
      for (const [i, tensor] of before!.entries()) expect(deviation(after![i]!, tensor)).toBe(0)
      const found = restored.getLayer(layer.name)
      expect(found.getClassName()).toBe(name)
      expect([...(found as typeof layer).namedParameters().keys()]).toEqual([...layer.namedParameters().keys()])
      expect((found as typeof layer).config).toEqual(layer.config)
    })

    it('leaves nothing behind, applied or disposed', async () => {
      const x = only(values())
      const all = await leaked(() => {
        const model = make()
        tf.dispose(model.apply(x) as tf.Tensor)
        model.dispose()
      })
      expect(all).toBe(0)
    })

    it('starts alike from the same seed, and otherwise from another', () => {
      const [a, b, c] = [make(1), make(1), make(2)].map((model) => [...model.namedParameters().values()])
      const differences = (other: tf.Variable[]) => a!.map((variable, i) => deviation(variable, other[i]!))
      expect(Math.max(...differences(b!))).toBe(0)
      expect(Math.max(...differences(c!))).toBeGreaterThan(0.1)
    })
  })

  const withDense = (tower: SiglipVisionModel) => {
    const at = tf.input({ shape: [3, 8, 8] })
    const dense = tf.layers.dense({ units: 2, kernelInitializer: tf.initializers.randomUniform({ seed: 1 }) })
    const model = tf.model({ inputs: at, outputs: dense.apply(tower.apply(at)) as tf.SymbolicTensor })
    model.compile({ optimizer: tf.train.adam(0.01), loss: 'meanSquaredError' })
    return model
  }

  describe('model.fit', () => {
    const train = async (model: tf.LayersModel) => {
      const { history } = await model.fit(tinyPixels(8), tf.randomNormal([8, 2], 0, 1, 'float32', 4), {
        epochs: 12,
        shuffle: false,
      })
      return history['loss'] as number[]
    }
    const copies = (tower: SiglipVisionModel) => [...tower.namedParameters()].map(([n, v]) => [n, v.clone()] as const)

    it('trains the tower and the layer on top', async () => {
      const tower = new SiglipVisionModel(tinyVision, { seed: 1 })
      const before = copies(tower)
      const losses = await train(withDense(tower))
      expect(losses.at(-1)).toBeLessThan(losses[0]! / 4)
      const still = before.filter(([name, value]) => deviation(tower.namedParameters().get(name)!, value) === 0)
      expect(still.map(([name]) => name)).toEqual([])
    })

    it('leaves a frozen tower as it is', async () => {
      const tower = new SiglipVisionModel(tinyVision, { seed: 1 })
      tower.trainable = false
      const before = copies(tower)
      const model = withDense(tower)
      expect(model.trainableWeights).toHaveLength(2)
      const losses = await train(model)
      expect(losses.at(-1)).toBeLessThan(losses[0]!)
      for (const [name, value] of before) expect(deviation(tower.namedParameters().get(name)!, value)).toBe(0)
    })

    it('leaves a frozen tower frozen when it is saved, each weight under its name', async () => {
      const tower = new SiglipVisionModel(tinyVision, { seed: 1 })
      tower.trainable = false
      const model = withDense(tower)
      const restored = await savedAndLoaded(model)
      expect(restored.getLayer(tower.name).trainable).toBe(false)
      const x = tinyPixels()
      expect(deviation(restored.predict(x) as tf.Tensor, model.predict(x) as tf.Tensor)).toBe(0)
    })

    it('leaves no tensor behind but the optimizer’s', async () => {
      const tower = new SiglipVisionModel(tinyVision, { seed: 1 })
      const model = withDense(tower)
      const x = tinyPixels(8)
      const y = tf.zeros([8, 2])
      await model.fit(x, y, { epochs: 1 })
      expect(await leaked(() => model.fit(x, y, { epochs: 2 }).then(() => undefined))).toBe(0)
      const before = tf.memory().numTensors
      const weights = model.weights.length
      expect(model.dispose().numDisposedVariables).toBe(weights)
      expect(before - tf.memory().numTensors).toBeGreaterThanOrEqual(weights)
    })
  })

  it('puts two towers into one tf.model that comes back', async () => {
    const at = [
      tf.input({ shape: [3, 8, 8] }),
      tf.input({ shape: [3, 8, 8] }),
      tf.input({ shape: [5], dtype: 'int32' }),
    ]
    const towers = [
      new SiglipVisionModel(tinyVision, { seed: 1 }),
      new SiglipVisionModel(tinyVision, { seed: 2 }),
      new SiglipTextModel(tinyText, { seed: 3, name: 'Text_Tower' }),
    ]
    const outputs = towers.map((tower, i) => tower.apply(at[i]!) as tf.SymbolicTensor)
    const model = tf.model({ inputs: at, outputs: tf.layers.add().apply(outputs) as tf.SymbolicTensor })
    const restored = await savedAndLoaded(model)
    const x = [tinyPixels(), tinyPixels(), tinyIds()]
    expect(deviation(restored.predict(x) as tf.Tensor, model.predict(x) as tf.Tensor)).toBe(0)
    expect(restored.getLayer('Text_Tower')).toBeInstanceOf(SiglipTextModel)
  })
})

describe('loadStateDict', () => {
  const state = (seed: number) => {
    const source = new SiglipVisionModel(tinyVision, { seed })
    return new Map<string, tf.Tensor>([...source.namedParameters()].map(([name, variable]) => [name, variable.clone()]))
  }
  const probe = 'head.probe'

  it('copies tensors and arrays, which stay the caller’s', async () => {
    const model = new SiglipVisionModel(tinyVision, { seed: 1 })
    const others = state(2)
    const wanted = others.get(probe)!
    const mixed = new Map<string, TensorInput>([
      ...others,
      [probe, { data: Float32Array.from(wanted.dataSync()), shape: wanted.shape }],
    ])
    expect(await leaked(() => void model.loadStateDict(mixed))).toBe(0)
    for (const [name, value] of others) expect(deviation(model.namedParameters().get(name)!, value)).toBe(0)
    tf.dispose([...others.values()])
    expect(model.namedParameters().get(probe)!.dataSync()[0]).not.toBeNaN()
  })

  const faults: [string, (s: Map<string, unknown>) => void, typeof WeightsError | typeof InputError, RegExp][] = [
    ['one missing', (s) => s.delete(probe), WeightsError, /1 missing: head\.probe/],
    ['one unexpected', (s) => s.set('head.prob', tf.zeros([1])), WeightsError, /1 unexpected: head\.prob /],
    ['one of another shape', (s) => s.set(probe, tf.zeros([12])), WeightsError, /expected \[1, 1, 12\], found \[12\]/],
    [
      'all of it',
      (s) => {
        s.set('head.porbe', s.get(probe))
        s.delete(probe)
        s.set('post_layernorm.weight', tf.zeros([3]))
      },
      WeightsError,
      /1 missing: head\.probe \(nearest: head\.porbe\); 1 unexpected: head\.porbe; 1 of another shape: post_layernorm/,
    ],
    ['a plain array', (s) => s.set(probe, [1, 2]), InputError, /head\.probe.*Array/],
    ['nothing', (s) => s.set(probe, undefined), InputError, /head\.probe.*nothing/],
    ['too few values', (s) => s.set(probe, { data: new Float32Array(3), shape: [1, 1, 12] }), InputError, /12 values/],
  ]

  it.each(faults)('refuses %s and changes nothing', async (_, spoil, type, message) => {
    const model = new SiglipVisionModel(tinyVision, { seed: 1 })
    const others = state(2)
    spoil(others)
    const before = [...model.namedParameters()].map(([name, variable]) => [name, variable.clone()] as const)
    const load = () => void model.loadStateDict(others)
    expect(load).toThrow(type)
    expect(load).toThrow(message)
    expect(await leaked(load)).toBe(0)
    for (const [name, value] of before) expect(deviation(model.namedParameters().get(name)!, value)).toBe(0)
  })

  it('refuses what is no Map', () => {
    const model = new SiglipVisionModel(tinyVision, { seed: 1 })
    const load = () => void Reflect.apply(model.loadStateDict.bind(model), model, [Object.fromEntries(state(2))])
    expect(load).toThrow(/a Map from names to tensors, found Object/)
    expect(load).toThrow(InputError)
  })

  it('refuses a disposed tensor', () => {
    const model = new SiglipVisionModel(tinyVision, { seed: 1 })
    const others = state(2)
    others.get(probe)!.dispose()
    expect(() => model.loadStateDict(others)).toThrow(InputError)
  })

  it('takes what fits without strict, and says what did not', () => {
    const model = new SiglipVisionModel(tinyVision, { seed: 1 })
    const wanted = tf.ones([12])
    const info = model.loadStateDict(
      new Map([
        ['post_layernorm.bias', wanted],
        ['other', wanted],
      ]),
      { strict: false },
    )
    expect(info.unexpectedKeys).toEqual(['other'])
    expect(info.missingKeys).toHaveLength(model.namedParameters().size - 1)
    expect(deviation(model.namedParameters().get('post_layernorm.bias')!, wanted)).toBe(0)
    const misshapen = new Map([['post_layernorm.bias', tf.ones([2])]])
    expect(() => model.loadStateDict(misshapen, { strict: false })).toThrow(WeightsError)
  })
})
