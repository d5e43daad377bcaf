import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import * as tf from '@tensorflow/tfjs'
import { convertCheckpoint } from '../../converters/convert-checkpoint.js'
import { ConfigError, FileError, WeightsError } from '../../src/errors.js'
import { MemoryFolder } from '../../src/hub/memory-folder.js'
import { openFolder } from '../../src/hub/open-folder-node.js'
import { SiglipForImageClassification } from '../../src/models/siglip/image-classification.js'
import { SiglipModel } from '../../src/models/siglip/modeling.js'
import { pipeline } from '../../src/pipelines/pipeline.js'
import { addLora } from '../../src/training/lora/add-lora.js'
import { loadLora } from '../../src/training/lora/load-lora.js'
import { saveLora } from '../../src/training/lora/save-lora.js'
import { useBackend } from '../../src/backend/backend-node.js'
import { deviation, fixturePath, readFixture } from '../fixture.js'

const lora = fixturePath('training', 'lora')
let parent: string
beforeAll(() => useBackend('wasm', { quiet: true }))
beforeEach(async () => {
  parent = await mkdtemp(path.join(tmpdir(), 'siglip-adapter-'))
})
afterEach(() => rm(parent, { recursive: true }))

/** A copy of peft's adapter whose configuration is changed. */
async function copied(change: object, from = lora): Promise<string> {
  const folder = path.join(parent, 'adapter')
  await cp(from, folder, { recursive: true })
  const file = path.join(folder, 'adapter_config.json')
  const config = JSON.parse(await readFile(file, 'utf8')) as object
  await writeFile(file, JSON.stringify({ ...config, ...change }))
  return folder
}

async function expectLogits(model: SiglipModel, ...fixture: string[]): Promise<void> {
  const inputs = readFixture('siglip-tiny', 'expected.safetensors')
  const expected = readFixture(...fixture, 'expected.safetensors').tensor('logits_per_text')
  const { logitsPerText } = model.forward({
    inputIds: inputs.tensor('in.input_ids'),
    pixelValues: inputs.tensor('in.pixel_values'),
  })
  expect(deviation(logitsPerText, expected)).toBeLessThan(1e-5)
  await Promise.resolve()
}

test.each(['lora', 'lora-all-linear'])('an adapter’s folder loads as peft’s model computes: %s', async (name) => {
  const base_model_name_or_path = fixturePath('siglip-tiny')
  const folder = await copied({ base_model_name_or_path }, fixturePath('training', name))
  await expectLogits(await SiglipModel.fromPretrained(folder), 'training', name)
})

test('the base is found beside the adapter, too', async () => {
  await cp(fixturePath('siglip-tiny'), path.join(parent, 'base-of-it'), { recursive: true })
  await expectLogits(
    await SiglipModel.fromPretrained(await copied({ base_model_name_or_path: '../base-of-it' })),
    'training',
    'lora',
  )
})

test('a pipeline takes it, with the base’s tokenizer; and so does a conversion', async () => {
  const embed = await pipeline('feature-extraction', lora)
  const merged = path.join(parent, 'merged')
  await convertCheckpoint(await openFolder(lora), merged, { to: 'transformers' })
  await expectLogits(await SiglipModel.fromPretrained(merged), 'training', 'lora')
  const again = await pipeline('feature-extraction', merged)
  const [one, other] = [await embed('a cat'), await again('a cat')]
  expect(JSON.stringify(one).length).toBeGreaterThan(100)
  expect(JSON.stringify(other)).toBe(JSON.stringify(one))
  embed.dispose()
  again.dispose()
})

test('what was trained whole takes the place of the base’s', async () => {
  const folder = fixturePath('training', 'lora-classifier')
  const base = await SiglipForImageClassification.fromPretrained(fixturePath('classifier-single'))
  const before = base.namedParameters().get('classifier.weight')!.clone()
  await loadLora(base, folder)
  const loaded = await SiglipForImageClassification.fromPretrained(folder)
  const [expected, found] = [base, loaded].map((model) => model.namedParameters().get('classifier.weight')!)
  expect(deviation(found!, expected!)).toBe(0)
  expect(deviation(found!, before)).toBeGreaterThan(0)
})

test('adapters that are saved with their base’s name load by themselves', async () => {
  const folder = path.join(parent, 'own')
  const model = await SiglipModel.fromPretrained(fixturePath('siglip-tiny'))
  const added = addLora(model, { r: 4, alpha: 8, seed: 1 })
  for (const { b } of added.adapters.values()) b.assign(tf.randomNormal(b.shape, 0, 0.3, 'float32', 2))
  await saveLora(added, folder, { baseModel: fixturePath('siglip-tiny') })
  const inputs = readFixture('siglip-tiny', 'expected.safetensors')
  const batch = { inputIds: inputs.tensor('in.input_ids'), pixelValues: inputs.tensor('in.pixel_values') }
  const loaded = await SiglipModel.fromPretrained(folder)
  expect(deviation(loaded.forward(batch).logitsPerText, model.forward(batch).logitsPerText)).toBeLessThan(1e-5)
})

test.each<[string, object, RegExp]>([
  ['without a base', { base_model_name_or_path: null }, /adapter, and does not name its base model.*loadLora/],
  ['with a base that isn’t there', { base_model_name_or_path: '/nowhere/siglip' }, /base model of an adapter can’t be/],
  ['of another kind', { peft_type: 'LOHA' }, /adapters of a kind/],
  ['of an adapter', { base_model_name_or_path: lora }, /is an adapter itself/],
])('an adapter %s is refused in words', async (_, change, message) => {
  const folder = await copied(change)
  await expect(SiglipModel.fromPretrained(folder)).rejects.toThrow(ConfigError)
  await expect(SiglipModel.fromPretrained(folder)).rejects.toThrow(message)
  if (!('peft_type' in change)) {
    await expect(pipeline('feature-extraction', folder)).rejects.toThrow(message)
    await loadLora(await SiglipModel.fromPretrained(fixturePath('siglip-tiny')), folder) // which needs no base
  }
})

test('an adapter of another model is refused', async () => {
  const model = SiglipModel.fromPretrained(await copied({ base_model_name_or_path: fixturePath('siglip-tiny-gelu') }))
  await expect(model).rejects.toThrow(WeightsError)
  await expect(model).rejects.toThrow(/adapters do not fit the model/)
})

test('where no base can be opened, in memory or a page, the error says that it is an adapter', async () => {
  const names = ['adapter_config.json', 'adapter_model.safetensors']
  const files = await Promise.all(names.map(async (name) => [name, await readFile(path.join(lora, name))] as const))
  const folder = new MemoryFolder(new Map(files))
  await expect(pipeline('zero-shot-image-classification', folder)).rejects.toThrow(/holds an adapter.*loadLora/)
  await expect(SiglipModel.fromPretrained(folder)).rejects.toThrow(/adapter/)
})

test('a checkpoint is not written beside an adapter', async () => {
  const folder = await copied({})
  const convert = convertCheckpoint(await openFolder(fixturePath('siglip-tiny')), folder, { to: 'transformers' })
  await expect(convert).rejects.toThrow(FileError)
  await expect(convert).rejects.toThrow(/found adapter_config\.json/)
})
