import { ConfigError, FileError } from '../../../src/errors.js'
import { MemoryFolder } from '../../../src/hub/memory-folder.js'
import { AutoImageProcessor } from '../../../src/image/processors/auto-image-processor.js'

const folderOf = (files: Record<string, object>): MemoryFolder =>
  new MemoryFolder(
    new Map(Object.entries(files).map(([name, json]) => [name, new TextEncoder().encode(JSON.stringify(json))])),
  )

it('open_clip’s own file tells how its images are prepared', async () => {
  const folder = folderOf({
    'open_clip_config.json': {
      model_cfg: { embed_dim: 768, vision_cfg: { image_size: 256, timm_model_name: 'vit_base_patch16_siglip_256' } },
      preprocess_cfg: { mean: [0.5, 0.4, 0.3], std: [0.5, 0.6, 0.7], interpolation: 'bilinear', resize_mode: 'squash' },
    },
  })
  const { config } = await AutoImageProcessor.fromPretrained(folder)
  expect(config).toMatchObject({ size: { height: 256, width: 256 }, resample: 2, imageMean: [0.5, 0.4, 0.3] })
})

it('timm’s own file tells how its images are prepared', async () => {
  const pretrained = {
    input_size: [3, 384, 384],
    interpolation: 'bicubic',
    mean: [0.5, 0.5, 0.5],
    std: [0.5, 0.5, 0.5],
  }
  const folder = folderOf({
    'config.json': { architecture: 'vit_base_patch16_siglip_384', pretrained_cfg: pretrained },
  })
  const { config } = await AutoImageProcessor.fromPretrained(folder)
  expect(config).toMatchObject({ size: { height: 384, width: 384 }, resample: 3, imageStd: [0.5, 0.5, 0.5] })
})

it('a folder without a word on images, or with a wrong one, is an error', async () => {
  await expect(AutoImageProcessor.fromPretrained(folderOf({ 'config.json': {} }))).rejects.toThrow(FileError)
  const wrong = { model_cfg: { vision_cfg: { image_size: 'large' } } }
  await expect(AutoImageProcessor.fromPretrained(folderOf({ 'open_clip_config.json': wrong }))).rejects.toThrow(
    ConfigError,
  )
})
