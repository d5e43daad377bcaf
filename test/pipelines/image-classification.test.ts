import { InputError } from '../../src/errors.js'
import { pipeline } from '../../src/pipelines/pipeline.js'
import { onEachBackend } from '../backends.js'
import { fixturePath } from '../fixture.js'
import { all, expectScores, oneByOne, pictures, reference } from './reference.js'

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
      const found = await classify(pictures, calls[call])
      for (const [i, name] of reference.pictures.entries()) expectScores(found[i] ?? [], expected[call][name])
    }
  })
})

describe('image-classification', () => {
  it('gives one list for a picture, and lists one by one for pictures that come so', async () => {
    using classify = await pipeline('image-classification', fixturePath('classifier-single'))
    const lists = await classify(pictures)
    expect(await classify(pictures[0] ?? '')).toEqual(lists[0])
    expect(await all(classify(oneByOne(pictures), { batchSize: 2 }))).toEqual(lists)
  })

  it('refuses what is no topK, function or picture', async () => {
    using classify = await pipeline('image-classification', fixturePath('classifier-single'))
    const [picture = ''] = pictures
    for (const options of [{ topK: 0 }, { topK: 1.5 }, { functionToApply: 'toString' as 'none' }, { batchSize: -1 }])
      await expect(classify(picture, options)).rejects.toThrow(InputError)
    await expect(classify([])).rejects.toThrow(InputError)
    await expect(classify(undefined as unknown as string)).rejects.toThrow(InputError)
  })
})
