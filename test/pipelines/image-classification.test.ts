import { InputError } from '../../src/errors.js'
import { pipeline } from '../../src/pipelines/pipeline.js'
import { onEachBackend } from '../backends.js'
import { fixturePath } from '../fixture.js'
import { all, expectScores, oneByOne, images, reference } from './reference.js'

onEachBackend(() => {
  it.each(['single', 'multi', 'regression'] as const)('gives the scores of transformers: %s', async (kind) => {
    using classify = await pipeline('image-classification', fixturePath(`classifier-${kind}`))
    const expected = reference.imageClassification[kind]
    const calls = {
      default: {},
      topK: { topK: 2 },
      sigmoid: { functionToApply: 'sigmoid' },
      softmax: { functionToApply: 'softmax' },
      none: { functionToApply: 'none' },
    } as const
    for (const call of ['default', 'topK', 'sigmoid', 'softmax', 'none'] as const) {
      const found = await classify(images, calls[call])
      for (const [i, name] of reference.images.entries()) expectScores(found[i] ?? [], expected[call][name])
    }
  })
})

describe('image-classification', () => {
  it('gives one list for an image, and lists one by one for images that come so', async () => {
    using classify = await pipeline('image-classification', fixturePath('classifier-single'))
    const lists = await classify(images)
    expect(await classify(images[0] ?? '')).toEqual(lists[0])
    expect(await all(classify(oneByOne(images), { batchSize: 2 }))).toEqual(lists)
  })

  it('refuses what is no topK, function or image', async () => {
    using classify = await pipeline('image-classification', fixturePath('classifier-single'))
    const [image = ''] = images
    for (const options of [{ topK: 0 }, { topK: 1.5 }, { functionToApply: 'toString' as 'none' }, { batchSize: -1 }])
      await expect(classify(image, options)).rejects.toThrow(InputError)
    await expect(classify([])).rejects.toThrow(InputError)
    await expect(classify(undefined as unknown as string)).rejects.toThrow(InputError)
  })
})
