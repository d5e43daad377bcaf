import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as tf from '@tensorflow/tfjs'
import { BackendError, InputError } from '../../src/errors.js'
import { exportOnnx, exportSavedModel } from '../../src/export/export-model.js'
import { SiglipForImageClassification } from '../../src/models/siglip/image-classification.js'
import { Siglip2Model } from '../../src/models/siglip2/modeling.js'
import type { SiglipTextConfig } from '../../src/models/siglip/configuration.js'
import { SiglipModel } from '../../src/models/siglip/modeling.js'
import { SiglipTextModel } from '../../src/models/siglip/text-model.js'
import { SiglipVisionModel } from '../../src/models/siglip/vision-model.js'
import { useBackend } from '../../src/backend/backend-node.js'
import { deviation, fixturePath } from '../fixture.js'

/** Runs a signature of a SavedModel as TensorFlow does. */
interface SavedModelRunner {
  loadSavedModelMetaGraph(path: string, tags: string): number
  deleteSavedModel(id: number): void
  runSavedModel(id: number, inputs: tf.Tensor[], infos: { name: string }[], outputs: string[]): tf.Tensor[]
}

let folder: string

beforeAll(async () => {
  await useBackend('native')
  folder = mkdtempSync(join(tmpdir(), 'siglip-export-'))
})
afterAll(() => {
  rmSync(folder, { recursive: true })
})

/** Images and ids that fit a model. */
const images = (side: number, batch = 5): tf.Tensor4D => tf.randomNormal([batch, 3, side, side], 0, 1, 'float32', 1)
const ids = ({ vocabSize, maxPositionEmbeddings }: SiglipTextConfig): tf.Tensor2D =>
  tf.randomUniform([3, maxPositionEmbeddings], 0, vocabSize, 'int32', 1)

/** Runs an ONNX file in a process of its own: ONNX Runtime doesn't load in jest's sandbox. */
function runOnnx(file: string, inputs: Readonly<Record<string, tf.Tensor>>): Record<string, tf.Tensor> {
  const input = Object.entries(inputs).map(([name, x]) => ({ name, shape: x.shape, values: Array.from(x.dataSync()) }))
  const printed = execFileSync(process.execPath, [join(__dirname, 'run-onnx.js'), folder, file], {
    input: JSON.stringify(input),
    encoding: 'utf8',
  })
  const outputs = JSON.parse(printed) as { name: string; shape: number[]; values: number[] }[]
  return Object.fromEntries(outputs.map(({ name, shape, values }) => [name, tf.tensor(values, shape)]))
}

describe('ONNX', () => {
  it.each(['siglip-tiny', 'siglip-tiny-gelu'])('of %s gives the model’s numbers, for any batch', async (name) => {
    const model = await SiglipModel.fromPretrained(fixturePath(name))
    await exportOnnx(model, folder)
    expect(readdirSync(folder).sort()).toEqual([
      'model.onnx',
      'model.onnx_data',
      'text_model.onnx',
      'vision_model.onnx',
    ])
    const inputIds = ids(model.config.textConfig)
    const pixelValues = images(model.config.visionConfig.imageSize)
    const expected = model.forward({ inputIds, pixelValues })
    const both = runOnnx('model.onnx', { input_ids: inputIds, pixel_values: pixelValues })
    expect(both['logits_per_image']?.shape).toEqual([5, 3])
    expect(deviation(both['logits_per_image']!, expected.logitsPerImage)).toBeLessThan(1e-5)
    expect(deviation(both['logits_per_text']!, expected.logitsPerText)).toBeLessThan(1e-5)
    expect(deviation(both['text_embeds']!, expected.textEmbeds)).toBeLessThan(1e-5)
    const image = runOnnx('vision_model.onnx', { pixel_values: pixelValues })
    const features = model.getImageFeatures({ pixelValues }).poolerOutput
    expect(deviation(image['image_embeds']!, features)).toBeLessThan(1e-5)
    model.dispose()
  })

  it('of single towers and classifiers has one file', async () => {
    const tower = await SiglipVisionModel.fromPretrained(fixturePath('vision-no-head'))
    await exportOnnx(tower, folder)
    const pixelValues = images(tower.config.imageSize)
    const out = runOnnx('model.onnx', { pixel_values: pixelValues })
    expect(Object.keys(out)).toEqual(['last_hidden_state'])
    expect(deviation(out['last_hidden_state']!, tower.forward({ pixelValues }).lastHiddenState)).toBeLessThan(1e-5)
    const classifier = await SiglipForImageClassification.fromPretrained(fixturePath('classifier-single'))
    await exportOnnx(classifier, folder)
    const inputs = images(classifier.config.visionConfig.imageSize)
    const { logits } = runOnnx('model.onnx', { pixel_values: inputs })
    expect(deviation(logits!, classifier.forward({ pixelValues: inputs }).logits)).toBeLessThan(1e-5)
  })
})

describe('SavedModel', () => {
  it('gives TensorFlow the model’s numbers, for any batch', async () => {
    const model = await SiglipModel.fromPretrained(fixturePath('siglip-tiny'))
    const target = join(folder, 'saved')
    await exportSavedModel(model, target)
    const runner = tf.backend() as tf.KernelBackend & SavedModelRunner
    const id = runner.loadSavedModelMetaGraph(target, 'serve')
    const info = [{ name: 'image/argument_0' }]
    for (const batch of [1, 5]) {
      const pixelValues = images(32, batch)
      const features = model.getImageFeatures({ pixelValues }).poolerOutput
      const [embeds] = runner.runSavedModel(id, [pixelValues], info, [resultOf(target, 'image')])
      expect(embeds?.shape).toEqual(features.shape)
      expect(deviation(embeds!, features)).toBeLessThan(1e-5)
    }
    runner.deleteSavedModel(id)
  })

  it('of a text tower replaces an older one', async () => {
    const target = join(folder, 'saved')
    writeFileSync(join(target, 'variables', 'mine.csv'), 'mine')
    await exportSavedModel(
      new SiglipTextModel((await SiglipModel.fromPretrained(fixturePath('siglip-tiny'))).config.textConfig),
      target,
    )
    expect(readdirSync(join(target, 'variables')).sort()).toEqual([
      'mine.csv',
      'variables.data-00000-of-00001',
      'variables.index',
    ])
  })

  it('is refused for other models and other backends', async () => {
    const model = await SiglipModel.fromPretrained(fixturePath('siglip-tiny'))
    await expect(
      exportSavedModel((await Siglip2Model.fromPretrained(fixturePath('siglip2-naflex-tiny'))) as never, folder),
    ).rejects.toThrow(InputError)
    await useBackend('wasm')
    await expect(exportSavedModel(model, folder)).rejects.toThrow(BackendError)
    await useBackend('native')
  })
})

/** The name of a signature's result, found in the file. */
function resultOf(target: string, signature: string): string {
  const text = readFileSync(join(target, 'saved_model.pb'), 'latin1')
  const names = text.match(new RegExp(`${signature}/[A-Za-z0-9]+_[0-9]+(?=:0)`, 'g')) ?? []
  return names.find((name) => !name.includes('argument')) ?? ''
}
