import path from 'node:path'
import * as tf from '@tensorflow/tfjs'
import { readPickle } from '../../converters/formats/pickle.js'
import { fileSource } from '../../converters/formats/file-source.js'
import { openStateDict, TorchWorld } from '../../converters/formats/torch-objects.js'
import { isTorchPickle } from '../../converters/formats/torch-zip.js'
import { openZip } from '../../src/io/zip.js'
import { openFolder } from '../../src/hub/open-folder-node.js'
import { AutoModel } from '../../src/models/auto/auto-model.js'
import { Siglip2Model } from '../../src/models/siglip2/modeling.js'
import { SiglipModel } from '../../src/models/siglip/modeling.js'
import { AutoProcessor } from '../../src/processor/auto-processor.js'
import { SiglipProcessor } from '../../src/processor/siglip-processor.js'
import { Siglip2Processor } from '../../src/processor/siglip2-processor.js'
import { fixturePath } from '../fixture.js'

// Needs the hub and 20 GB: SIGLIP_TEST_HUB=1 npx jest test/hub/published-logits
const online = process.env['SIGLIP_TEST_HUB'] === '1' ? test : test.skip
const HOURS = 3_600_000

online(
  'google/siglip-base-patch16-224 gives the logits that transformers’ own tests expect',
  async () => {
    const id = 'google/siglip-base-patch16-224'
    const processor = await SiglipProcessor.fromPretrained(id)
    const model = await SiglipModel.fromPretrained(id)
    const inputs = await processor.call({
      text: ['a photo of 2 cats', 'a photo of 2 dogs'],
      images: 'http://images.cocodataset.org/val2017/000000039769.jpg',
    })
    const [cats, dogs] = logitsOf(model, () => model.forward(inputs).logitsPerImage)
    expect(cats).toBeCloseTo(-0.7567, 3)
    expect(dogs).toBeCloseTo(-10.3354, 3)
  },
  HOURS,
)

// Of two images with "an apple" and "an image of an apple", as transformers' script of conversion asserts them.
online.each([
  ['siglip-base-patch16-224', 'siglip_pixel_values', [-2.9621, -2.1672, -0.2713, 0.291]],
  ['siglip-base-patch16-256', 'siglip_pixel_values_256', [-3.1146, -1.9894, -0.7312, 0.6387]],
  ['siglip-base-patch16-384', 'siglip_pixel_values_384', [-2.8098, -2.1891, -0.4242, 0.4102]],
  ['siglip-base-patch16-512', 'siglip_pixel_values_512', [-2.7899, -2.2668, -0.4295, -0.0735]],
  ['siglip-large-patch16-256', 'siglip_pixel_values_256', [-1.5827, -0.5801, -0.9153, 0.1363]],
  ['siglip-large-patch16-384', 'siglip_pixel_values_384', [-2.1523, -0.2899, -0.2959, 0.7884]],
  ['siglip-base-patch16-256-multilingual', 'siglip_pixel_values_256', [-0.9064, 0.1073, -0.0299, 0.5304]],
  ['siglip-so400m-patch14-224', 'siglip_pixel_values', [-1.0864916, 1.1704235, -0.71784306, 1.4354687]],
  ['siglip-so400m-patch14-384', 'siglip_pixel_values_384', [-1.2441, -0.6649, -0.706, 0.7374]],
  ['siglip-so400m-patch16-256-i18n', 'siglip_pixel_values_256', [-1.9432535, -0.05433846, 0.6222029, 2.2883186]],
])(
  'google/%s gives the logits that its conversion was checked with',
  async (name, pixels, expected) => {
    const processor = await AutoProcessor.fromPretrained(`google/${name}`)
    const { inputIds } = await processor.call({ text: ['an apple', 'an image of an apple'] }, { padding: 'max_length' })
    const pixelValues = await savedTensor('https://huggingface.co/datasets/nielsr/test-image/resolve/main/', pixels)
    const model = await AutoModel.fromPretrained(`google/${name}`)
    if (!(model instanceof SiglipModel)) throw new Error(`${name} is of another class`)
    const logits = logitsOf(model, () => model.forward({ inputIds, pixelValues }).logitsPerImage)
    expect(logits).toHaveLength(4)
    // The script's tolerance: torch.allclose(…, atol=1e-4), whose rtol is 1e-5.
    logits.forEach((logit, i) => {
      expect(Math.abs(logit - expected[i]!)).toBeLessThan(1e-4 + 1e-5 * Math.abs(expected[i]!))
    })
  },
  HOURS,
)

online(
  'google/siglip2-base-patch16-naflex gives the logits that transformers’ own tests expect',
  async () => {
    const id = 'google/siglip2-base-patch16-naflex'
    const inputs = await (
      await Siglip2Processor.fromPretrained(id)
    ).call({
      images: ['224x224', '1024x1024', '224x1024'].map((name) => fixturePath('circles', `${name}.png`)),
      text: [
        'circle',
        'ellipsoid',
        'blue circle on red background',
        'blue circle with green border on red background',
        'green circle on red background',
        'a dog',
        'a blue dog with a green border on a red background',
      ],
    })
    const expected = [
      [1.0195, -0.028, -1.4468],
      [-4.5395, -6.2269, -1.5667],
      [4.1757, 5.0358, 3.5159],
      [9.4264, 10.1879, 6.3353],
      [2.4409, 3.1058, 4.5491],
      [-12.323, -13.7355, -13.4632],
      [1.152, 1.1687, -1.9647],
    ].flat()
    const model = await Siglip2Model.fromPretrained(id)
    const logits = logitsOf(model, () => model.forward(inputs).logitsPerText)
    expect(logits).toHaveLength(expected.length)
    // The test's tolerance: rtol and atol of 1e-3.
    logits.forEach((logit, i) => {
      expect(Math.abs(logit - expected[i]!)).toBeLessThan(1e-3 + 1e-3 * Math.abs(expected[i]!))
    })
  },
  HOURS,
)

/** The numbers of a tensor that is computed once, the model gone afterwards. */
function logitsOf(model: { dispose(): void }, compute: () => tf.Tensor): number[] {
  const logits = Array.from(tf.tidy(() => compute().dataSync()))
  model.dispose()
  return logits
}

/** A tensor that `torch.save` wrote alone, `name.pt` in a folder. */
async function savedTensor(folder: string, name: string): Promise<{ data: Float32Array; shape: readonly number[] }> {
  const files = await openZip(await fileSource(await openFolder(folder), `${name}.pt`))
  const [pickleName, pickle] = [...files].find(([file]) => isTorchPickle(file))!
  const { value } = readPickle(await pickle.read(0, pickle.size), 0, new TorchWorld(name))!
  const sourceOf = ({ key }: { readonly key: string }) => files.get(path.posix.join(pickleName, '..', 'data', key))!
  const weights = openStateDict(new Map([[name, value]]), name, sourceOf)
  return { data: await weights.read(name), shape: weights.tensors.get(name)!.shape }
}
