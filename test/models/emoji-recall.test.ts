import path from 'node:path'
import { readGallery } from '../../examples/emoji/gallery.js'
import { SiglipModel } from '../../src/models/siglip/modeling.js'
import { evaluateRetrieval } from '../../src/pipelines/evaluate-retrieval.js'
import { SiglipProcessor } from '../../src/processor/siglip-processor.js'
import { useBackend } from '../../src/backend/backend-node.js'
import type { Sample } from '../../src/training/data/sample.js'

const folder = path.join(__dirname, '..', '..', 'models', 'emoji')
const gallery = path.join(__dirname, '..', '..', 'examples', 'emoji', 'gallery')

it('finds emoji of a vendor that it has never seen, by their labels and by tags', async () => {
  await useBackend()
  const images = await readGallery(gallery)
  const model = await SiglipModel.fromPretrained(folder)
  const processor = await SiglipProcessor.fromPretrained(folder)
  const recall = (said: (image: (typeof images)[number]) => string) => {
    const samples = images.map((image, i): Sample => {
      return { key: String(i), open: () => image.pixels, captions: [said(image)] }
    })
    return evaluateRetrieval({ model, processor }, samples)
  }
  const byLabel = await recall(({ label }) => label)
  expect(byLabel.imageToText.recall[1]).toBeGreaterThan(0.5)
  expect(byLabel.imageToText.recall[5]).toBeGreaterThan(0.8)
  expect(byLabel.textToImage.recall[5]).toBeGreaterThan(0.8)
  const byTags = await recall(({ tags }) => tags.slice(0, 3).join(', '))
  expect(byTags.textToImage.recall[10]).toBeGreaterThan(0.45)
  model.dispose()
}, 240_000)
