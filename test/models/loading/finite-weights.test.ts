import { readFile } from 'node:fs/promises'
import * as tf from '@tensorflow/tfjs'
import fc from 'fast-check'
import { parseSafetensors } from '../../../converters/formats/safetensors.js'
import { serializeSafetensors } from '../../../converters/formats/serialize-safetensors.js'
import { fromFloat32 } from '../../../converters/formats/float-conversion.js'
import { WeightsError } from '../../../src/errors.js'
import { MemoryFolder } from '../../../src/hub/memory-folder.js'
import { SiglipModel } from '../../../src/models/siglip/modeling.js'
import { SiglipVisionModel } from '../../../src/models/siglip/vision-model.js'
import { onEachBackend } from '../../backends.js'
import { fixturePath } from '../../fixture.js'
import { tinyVision } from '../../tiny-models.js'

let config: Uint8Array
let weights: Uint8Array
beforeAll(async () => {
  config = await readFile(fixturePath('siglip-tiny', 'config.json'))
  weights = await readFile(fixturePath('siglip-tiny', 'model.safetensors'))
})

/** The fixture with other values in one of its weights. */
function folderWith(name: string, change: (values: Float32Array) => void, dtype: 'F32' | 'F16' | 'BF16' = 'F32') {
  const { tensors, metadata } = parseSafetensors(weights)
  const changed = new Map(
    [...tensors].map(([key, tensor]) => {
      const values = Float32Array.from(tensor.data, Number)
      if (key === name) change(values)
      return [key, { dtype, shape: tensor.shape, data: fromFloat32(values, dtype) }]
    }),
  )
  const bytes = new Uint8Array(Buffer.concat(serializeSafetensors(changed, metadata)))
  return new MemoryFolder(
    new Map([
      ['config.json', config],
      ['model.safetensors', bytes],
    ]),
  )
}

onEachBackend(() => {
  it('refuses a checkpoint with NaN or infinities, whichever weight and index it is, and names it', async () => {
    const sizes = [...parseSafetensors(weights).tensors].map(([name, { data }]) => [name, data.length] as const)
    const place = fc
      .constantFrom(...sizes)
      .chain(([name, size]) => fc.tuple(fc.constant(name), fc.nat({ max: size - 1 })))
    const bad = fc.constantFrom(NaN, Infinity, -Infinity)
    const before = tf.memory().numTensors
    await fc.assert(
      fc.asyncProperty(place, bad, fc.constantFrom('F32', 'F16', 'BF16'), async ([name, index], value, dtype) => {
        const loading = SiglipModel.fromPretrained(folderWith(name, (values) => (values[index] = value), dtype))
        await expect(loading).rejects.toThrow(WeightsError)
        await expect(loading).rejects.toThrow(`found ${value} at index ${index} of ${name} (`)
      }),
      { numRuns: 20 },
    )
    expect(tf.memory().numTensors).toBe(before)
  })

  it('loads values as large as there are, though their sum is infinite', async () => {
    const largest = 3.4028234663852886e38
    const model = await SiglipModel.fromPretrained(
      folderWith('vision_model.post_layernorm.weight', (values) => values.fill(largest)),
    )
    expect(model.namedParameters().get('vision_model.post_layernorm.weight')?.dataSync()[3]).toBe(largest)
    model.dispose()
  })

  it('refuses weights that the type asked for rounds to infinity', async () => {
    const folder = folderWith('text_model.head.bias', (values) => (values[2] = 1e5))
    await expect(SiglipModel.fromPretrained(folder, { dtype: 'float16' })).rejects.toThrow(
      /found Infinity at index 2 of text_model\.head\.bias/,
    )
    ;(await SiglipModel.fromPretrained(folder, { dtype: 'bfloat16' })).dispose()
  })

  it('refuses them in a state dict, and leaves the model as it was', () => {
    const model = new SiglipVisionModel(tinyVision, { seed: 1 })
    const before = model.namedParameters().get('head.probe')!.dataSync().slice()
    const others = new SiglipVisionModel(tinyVision, { seed: 2 })
    const state = new Map<string, tf.Tensor>(others.namedParameters())
    const broken = tf.fill(state.get('post_layernorm.bias')!.shape, NaN)
    state.set('post_layernorm.bias', broken)
    expect(() => model.loadStateDict(state)).toThrow(WeightsError)
    expect(() => model.loadStateDict(state)).toThrow(/found NaN at index 0 of post_layernorm\.bias/)
    expect(model.namedParameters().get('head.probe')!.dataSync()).toEqual(before)
    tf.dispose(broken)
    model.dispose()
    others.dispose()
  })

  it.each([
    [NaN, 'F32', /found NaN at index 0 of post_layernorm\.bias/],
    [1e6, 'F16', /too large for F16.*post_layernorm\.bias/],
  ] as const)('does not save %s as %s', async (value, dtype, message) => {
    const model = new SiglipVisionModel(tinyVision, { seed: 1 })
    const bias = model.namedParameters().get('post_layernorm.bias')!
    tf.tidy(() => {
      bias.assign(tf.fill([12], value))
    })
    const content = model.toFiles({ dtype }).get('model.safetensors')
    const written = async () => {
      if (typeof content === 'function') for await (const piece of content()) expect(piece.length).toBeGreaterThan(0)
    }
    await expect(written()).rejects.toThrow(message)
    model.dispose()
  })
})
