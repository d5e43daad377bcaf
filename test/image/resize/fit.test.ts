import { readFileSync } from 'node:fs'
import { parseSafetensors } from '../../../converters/formats/safetensors.js'
import { ConfigError, InputError } from '../../../src/errors.js'
import { MemoryFolder } from '../../../src/hub/memory-folder.js'
import { AutoImageProcessor } from '../../../src/image/processors/auto-image-processor.js'
import type { RawImage } from '../../../src/image/raw-image.js'
import { SiglipImageProcessor } from '../../../src/image/processors/siglip-image-processor.js'

const read = (name: string): Buffer => readFileSync(`test/fixtures/preprocessing/${name}`)
const { cases } = JSON.parse(read('cases.json').toString()) as { cases: Readonly<Record<string, object>>[] }
const { tensors } = parseSafetensors(read('expected.safetensors'))
const encode = (json: object): Uint8Array => new TextEncoder().encode(JSON.stringify(json))
const folderOf = (files: Readonly<Record<string, object>>): MemoryFolder =>
  new MemoryFolder(new Map(Object.entries(files).map(([name, json]) => [name, encode(json)])))

const images = [...tensors].flatMap(([name, { shape, data }]): [string, RawImage][] => {
  const [height = 0, width = 0] = shape
  return name.startsWith('image.') ? [[name.slice('image.'.length), { height, width, data: data as Uint8Array }]] : []
})

/** What open_clip and timm make of each image. */
function expectReference(processor: SiglipImageProcessor, number: number): void {
  for (const [name, image] of images) {
    const { pixelValues } = processor.preprocess(image)
    const { shape, data } = tensors.get(`${number}.${name}`)!
    const values = data as Float32Array
    expect([name, ...pixelValues.shape]).toEqual([name, 1, ...shape])
    const deviation = values.reduce(
      (most, value, i) => Math.max(most, Math.abs(value - (pixelValues.data[i] ?? NaN))),
      0,
    )
    expect([name, deviation < 1e-6]).toEqual([name, true])
  }
}

test('the fixture holds images of several shapes', () => {
  expect(images).toHaveLength(7)
  expect(cases.length).toBeGreaterThan(15)
})

test.each(cases.map((files, i) => [JSON.stringify(files).slice(0, 220), i, files] as const))(
  'images are prepared as by the package that wrote %s',
  async (_, number, files) => {
    const processor = await AutoImageProcessor.fromPretrained(folderOf(files))
    if (!(processor instanceof SiglipImageProcessor)) throw new TypeError('not for images of one size')
    expectReference(processor, number)
    const saved = await SiglipImageProcessor.fromPretrained(new MemoryFolder(processor.toFiles()))
    expectReference(saved, number)
  },
)

const openClip = (preprocess_cfg: object): MemoryFolder =>
  folderOf({ 'open_clip_config.json': { model_cfg: { vision_cfg: { image_size: 16 } }, preprocess_cfg } })
const timm = (pretrained_cfg: object): MemoryFolder =>
  folderOf({ 'config.json': { architecture: 'vit', pretrained_cfg: { input_size: [3, 16, 16], ...pretrained_cfg } } })

test.each<[string, MemoryFolder, RegExp]>([
  ['resize_mode', openClip({ resize_mode: 'stretch' }), /Unknown resize_mode: expected shortest, longest, squash/],
  ['interpolation', openClip({ interpolation: 'lanczos' }), /Unknown interpolation.*found "lanczos"/],
  ['fill_color', openClip({ resize_mode: 'longest', fill_color: 300 }), /Invalid fill_color/],
  ['interpolation', timm({ interpolation: 'random' }), /Unknown interpolation/],
  ['crop_pct', timm({ crop_pct: 1.5 }), /Invalid crop_pct/],
  ['mean', timm({ mean: 'none' }), /Invalid image_mean/],
])('a %s that neither package has is refused by name', async (_, folder, message) => {
  await expect(AutoImageProcessor.fromPretrained(folder)).rejects.toThrow(ConfigError)
  await expect(AutoImageProcessor.fromPretrained(folder)).rejects.toThrow(message)
})

test('settings that contradict the way of resizing are refused', () => {
  for (const other of [
    { size: 16 },
    { doResize: false },
    { doCenterCrop: true, cropSize: 8 },
    { backend: 'torchvision' },
  ] as const)
    expect(() => new SiglipImageProcessor({ resizeMode: 'shortest', ...other })).toThrow(InputError)
})
