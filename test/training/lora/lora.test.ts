import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import * as tf from '@tensorflow/tfjs'
import { ConfigError, FileError, InputError, WeightsError } from '../../../src/errors.js'
import { parseSafetensors } from '../../../converters/formats/safetensors.js'
import { serializeSafetensors } from '../../../converters/formats/serialize-safetensors.js'
import { MemoryFolder } from '../../../src/hub/memory-folder.js'
import { SiglipForImageClassification } from '../../../src/models/siglip/image-classification.js'
import { SiglipModel } from '../../../src/models/siglip/modeling.js'
import { AdamW } from '../../../src/training/optimizers/adamw.js'
import { addLora } from '../../../src/training/lora/add-lora.js'
import { loadLora } from '../../../src/training/lora/load-lora.js'
import { linearLayers } from '../../../src/training/lora/lora.js'
import { mergeLora } from '../../../src/training/lora/merge-lora.js'
import { saveLora } from '../../../src/training/lora/save-lora.js'
import { onEachBackend } from '../../backends.js'
import { deviation, fixturePath, readFixture } from '../../fixture.js'
import { leaked } from '../../leaks.js'
import { tiny } from '../../tiny-models.js'

const peft = fixturePath('training', 'lora')

onEachBackend(() => {
  let model: SiglipModel
  let inputs: { inputIds: tf.Tensor; pixelValues: tf.Tensor }
  let folder: string
  beforeEach(async () => {
    model = await SiglipModel.fromPretrained(fixturePath('siglip-tiny'))
    const expected = readFixture('siglip-tiny', 'expected.safetensors')
    inputs = { inputIds: expected.tensor('in.input_ids'), pixelValues: expected.tensor('in.pixel_values') }
    folder = mkdtempSync(path.join(tmpdir(), 'lora-'))
  })
  afterEach(() => {
    model.dispose()
    tf.dispose(inputs)
    rmSync(folder, { recursive: true })
  })
  const logits = () => tf.tidy(() => model.forward(inputs).logitsPerText)

  it("computes with peft's adapters what peft computes, merged and not", async () => {
    const expected = readFixture('training', 'lora', 'expected.safetensors').tensor('logits_per_text')
    const before = logits()
    const lora = await loadLora(model, peft)
    const adapted = logits()
    expect(deviation(before, expected)).toBeGreaterThan(0.01)
    expect(deviation(adapted, expected)).toBeLessThan(1e-5)
    mergeLora(lora)
    const merged = logits()
    expect(deviation(merged, expected)).toBeLessThan(1e-5)
    tf.dispose([expected, before, adapted, merged])
  })

  it.each(['adapter_model.safetensors', 'adapter_model.bin'])(
    'computes with adapters of all linear layers, and patterns for their alpha, what peft computes: %s',
    async (name) => {
      const from = fixturePath('training', 'lora-all-linear')
      const files = ['adapter_config.json', name].map((file) => [file, readFileSync(path.join(from, file))] as const)
      const lora = await loadLora(model, new MemoryFolder(new Map(files)))
      const expected = readFixture('training', 'lora-all-linear', 'expected.safetensors').tensor('logits_per_text')
      const adapted = logits()
      expect(deviation(adapted, expected)).toBeLessThan(1e-5)
      lora.remove()
      tf.dispose([expected, adapted])
    },
  )

  it('saves what it has loaded: the same bytes, and a configuration that loads to the same', async () => {
    const lora = await loadLora(model, peft)
    const adapted = logits()
    await saveLora(lora, folder)
    const file = (from: string) => readFileSync(path.join(from, 'adapter_model.safetensors'))
    expect(file(folder).equals(file(peft))).toBe(true)
    lora.remove()
    const again = await loadLora(model, folder)
    const same = logits()
    expect([...same.dataSync()]).toEqual([...adapted.dataSync()])
    again.remove()
    tf.dispose([adapted, same])
  })

  it("computes with peft's adapters of a classifier, and its top layer, what peft computes, and saves the same bytes", async () => {
    const from = fixturePath('training', 'lora-classifier')
    const classifier = await SiglipForImageClassification.fromPretrained(fixturePath('classifier-single'))
    const pixelValues = readFixture('classifier-single', 'expected.safetensors').tensor('in.pixel_values')
    const expected = readFixture('training', 'lora-classifier', 'expected.safetensors').tensor('logits')
    const lora = await loadLora(classifier, from)
    const found = classifier.forward({ pixelValues }).logits
    expect(deviation(found, expected)).toBeLessThan(1e-5)
    await saveLora(lora, folder)
    const file = (from: string) => readFileSync(path.join(from, 'adapter_model.safetensors'))
    expect(file(folder).equals(file(from))).toBe(true)
    const saved = JSON.parse(readFileSync(path.join(folder, 'adapter_config.json'), 'utf8')) as object
    expect(saved).toMatchObject({ modules_to_save: ['classifier'], r: 2, lora_alpha: 4 })
    lora.remove()
    classifier.dispose()
    tf.dispose([pixelValues, expected, found])
  })

  it('a module that is saved whole is trained whole', async () => {
    const classifier = await SiglipForImageClassification.fromPretrained(fixturePath('classifier-single'))
    const pixelValues = readFixture('classifier-single', 'expected.safetensors').tensor('in.pixel_values')
    const labels = tf.zeros([pixelValues.shape[0]], 'int32')
    const lora = addLora(classifier, { modulesToSave: ['classifier'], pattern: /q_proj|classifier/ })
    const parameters = lora.namedParameters()
    expect([...parameters.keys()].filter((name) => name.includes('classifier'))).toEqual([
      'classifier.weight',
      'classifier.bias',
    ])
    const weight = classifier.namedParameters().get('classifier.weight')
    const before = weight?.dataSync().slice()
    const optimizer = new AdamW({ learningRate: 0.01, parameters })
    const loss = () => tf.tidy(() => classifier.forward({ pixelValues }, { labels }).loss ?? tf.scalar(NaN))
    const losses = [0, 1, 2, 3].map(() => tf.tidy(() => optimizer.minimize(loss, true)?.arraySync() ?? NaN))
    expect(losses.at(-1)).toBeLessThan(losses[0]! - 0.01)
    expect(weight?.dataSync()).not.toEqual(before)
    lora.remove()
    optimizer.dispose()
    classifier.dispose()
    tf.dispose([pixelValues, labels])
  })

  it('computes what the model did until it is trained, alone; removed, the model is as before', () => {
    const before = logits()
    const lora = addLora(model, { r: 2, alpha: 4, pattern: /(_proj|fc1|head)$/, seed: 3 })
    const start = logits()
    expect([...start.dataSync()]).toEqual([...before.dataSync()])

    const optimizer = new AdamW({ learningRate: 0.01, parameters: lora.namedParameters() })
    const loss = () => tf.tidy(() => model.forward(inputs, { returnLoss: true }).loss ?? tf.scalar(NaN))
    const losses = [0, 1, 2, 3, 4].map(() => tf.tidy(() => optimizer.minimize(loss, true)?.arraySync() ?? NaN))
    expect(losses.at(-1)).toBeLessThan(losses[0]! - 0.01)
    optimizer.dispose()
    lora.remove()
    const after = logits()
    expect([...after.dataSync()]).toEqual([...before.dataSync()])
    tf.dispose([before, start, after])
  })

  it('leaves nothing behind, loaded or refused', async () => {
    const small = new SiglipModel(tiny)
    expect(
      await leaked(async () => {
        ;(await loadLora(model, peft)).remove()
        addLora(model).remove()
        mergeLora(addLora(model))
        await loadLora(small, peft)
      }),
    ).toBe(0)
    small.dispose()
  })

  it('has a name for every linear layer but the one that torch bypasses', () => {
    const names = [...linearLayers(model).keys()]
    const weights = [...model.namedParameters()].filter(
      ([name, { shape }]) => /weight$/.test(name) && shape.length === 2,
    )
    const others = weights.map(([name]) => name.replace(/\.weight$/, '')).filter((name) => !names.includes(name))
    expect(others).toEqual([
      'text_model.embeddings.token_embedding',
      'text_model.embeddings.position_embedding',
      'vision_model.embeddings.position_embedding',
      'vision_model.head.attention.in_proj_weight', // no layer in torch either
      'vision_model.head.attention.out_proj',
    ])
    expect([...linearLayers(model.textModel).keys()]).toContain('encoder.layers.0.self_attn.q_proj')
  })

  const config = JSON.parse(readFileSync(path.join(peft, 'adapter_config.json'), 'utf8')) as object
  const weights = new Uint8Array(readFileSync(path.join(peft, 'adapter_model.safetensors')))
  const files = (changes: object) =>
    new MemoryFolder(
      new Map([
        ['adapter_config.json', new TextEncoder().encode(JSON.stringify({ ...config, ...changes }))],
        ['adapter_model.safetensors', weights],
      ]),
    )
  it.each([
    [{ peft_type: 'IA3' }, ConfigError],
    [{ peft_type: undefined }, ConfigError],
    [{ use_dora: true }, ConfigError],
    [{ bias: 'all' }, ConfigError],
    [{ modules_to_save: 'head' }, ConfigError],
    [{ modules_to_save: ['head'] }, WeightsError],
    [{ lora_alpha: 'much' }, ConfigError],
    [{ alpha_pattern: { fc1: null } }, ConfigError],
    [{ alpha_pattern: { '(fc1': 10 } }, ConfigError],
    [{ alpha_pattern: { '(\\w+)+x': 10 } }, ConfigError], // would take for ever, as the next
    [{ alpha_pattern: { '.*.*.*.*.*.*.*.*X': 10 } }, ConfigError],
  ])('refuses %j', async (changes, Class) => {
    await expect(loadLora(model, files(changes))).rejects.toThrow(Class)
  })

  it.each([NaN, -Infinity])('refuses adapters with %p in them, and names the tensor', async (value) => {
    const { tensors } = parseSafetensors(weights)
    const [name = '', tensor] = [...tensors].find(([key]) => key.endsWith('lora_B.weight')) ?? []
    if (!tensor) throw new Error('no adapter')
    const data = Float32Array.from(tensor.data, Number)
    data[1] = value
    tensors.set(name, { ...tensor, dtype: 'F32', data })
    const folder = new MemoryFolder(
      new Map([
        ['adapter_config.json', new TextEncoder().encode(JSON.stringify(config))],
        ['adapter_model.safetensors', new Uint8Array(Buffer.concat(serializeSafetensors(tensors)))],
      ]),
    )
    await expect(loadLora(model, folder)).rejects.toThrow(WeightsError)
    await expect(loadLora(model, folder)).rejects.toThrow(`found ${value} at index 1 of ${name}`)
  })

  it('refuses adapters of another model, and a folder without any', async () => {
    const small = new SiglipModel(tiny)
    await expect(loadLora(small, peft)).rejects.toThrow(WeightsError)
    await expect(loadLora(model.textModel, peft)).rejects.toThrow(/adapters of its linear layers only/)
    await expect(loadLora(model, folder)).rejects.toThrow(FileError)
    small.dispose()
  })

  it.each([{ r: 0 }, { r: 1.5 }, { alpha: NaN }, { pattern: /layer_norm/ }, { modulesToSave: ['score'] }])(
    'refuses %j',
    (options) => {
      expect(() => addLora(model, options)).toThrow(InputError)
    },
  )
})
