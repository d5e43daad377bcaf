import { readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import { readGallery } from '../../examples/emoji/gallery.js'
import { SiglipModel } from '../../src/models/siglip/modeling.js'
import { SiglipProcessor } from '../../src/processor/siglip-processor.js'
import { onEachBackend } from '../backends.js'
import { fixturePath } from '../fixture.js'

const folder = path.join(__dirname, '..', '..', 'models', 'emoji')
const gallery = path.join(__dirname, '..', '..', 'examples', 'emoji', 'gallery')

interface Expected {
  readonly places: readonly number[]
  readonly texts: readonly string[]
  readonly inputIds: readonly (readonly number[])[]
  readonly logitsPerImage: readonly (readonly number[])[]
}

onEachBackend(() => {
  it('has the tokens and logits of transformers', async () => {
    const expected = JSON.parse(await readFile(fixturePath('emoji', 'expected.json'), 'utf8')) as Expected
    const images = await readGallery(gallery)
    const model = await SiglipModel.fromPretrained(folder)
    const processor = await SiglipProcessor.fromPretrained(folder)
    const inputs = await processor.call({
      text: [...expected.texts],
      images: expected.places.map((place) => images[place]!.pixels),
    })
    const length = expected.inputIds[0]!.length
    expect([...inputs.inputIds.data]).toEqual(expected.inputIds.flat())
    expect(inputs.inputIds.shape).toEqual([expected.texts.length, length])
    const { logitsPerImage } = model.forward(inputs)
    const found = logitsPerImage.arraySync()
    for (const [i, row] of expected.logitsPerImage.entries()) {
      for (const [j, logit] of row.entries()) expect(Math.abs(found[i]![j]! - logit)).toBeLessThan(1e-4)
    }
    model.dispose()
  })
})

it('is small, and says where it comes from', async () => {
  const { size } = await stat(path.join(folder, 'model.safetensors'))
  expect(size).toBeLessThan(12e6)
  const card = await readFile(path.join(folder, 'README.md'), 'utf8')
  for (const source of ['noto', 'fxemoji', 'fluent-emoji', 'emojione', 'circle-flags', 'flagpack', 'emojibase-data']) {
    expect(card).toContain(source)
  }
})
