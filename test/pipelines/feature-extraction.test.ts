import { InputError } from '../../src/errors.js'
import { pipeline } from '../../src/pipelines/pipeline.js'
import { onEachBackend } from '../backends.js'
import { fixturePath } from '../fixture.js'
import { reference as commandLine } from '../cli/reference.js'
import { all, expectArray, oneByOne, reference } from './reference.js'

const { texts, textFeatures } = reference
const folder = fixturePath('siglip-tiny')

onEachBackend(() => {
  it('gives the features of transformers, for texts of any lengths in one batch', async () => {
    using extract = await pipeline('feature-extraction', folder)
    const found = await extract(texts)
    expect(new Set(found.map(({ shape }) => shape[1])).size).toBeGreaterThan(1)
    for (const [i, expected] of textFeatures.default.entries()) expectArray(found[i]!, expected)
    const tokenizeKwargs = { padding: 'max_length', maxLength: 16, truncation: true } as const
    expectArray(await extract(texts[0] ?? '', { tokenizeKwargs }), textFeatures.padded[0] ?? [])
  })

  it('gives the embeddings of getTextFeatures', async () => {
    using extract = await pipeline('feature-extraction', folder)
    const found = await extract(['a cat', 'two dogs'], { pool: true })
    for (const [i, expected] of commandLine.textEmbeddings.entries()) expectArray(found[i]!, [expected])
  })
})

describe('feature-extraction', () => {
  it('gives the same whatever the batches, and texts that come one by one', async () => {
    using extract = await pipeline('feature-extraction', folder)
    const lists = await extract(texts)
    for (const batchSize of [1, 2]) {
      const found = await all(extract(oneByOne(texts), { batchSize }))
      found.forEach(({ data, shape }, i) => {
        expect(shape).toEqual(lists[i]!.shape)
        data.forEach((value, j) => {
          expect(value).toBeCloseTo(lists[i]!.data[j]!, 5)
        })
      })
    }
  })

  it('says once how many texts were cut, and nothing of those that are not to be cut', async () => {
    using extract = await pipeline('feature-extraction', fixturePath('siglip-tiny'))
    const long = 'word '.repeat(30)
    const onTruncated = jest.fn()
    await extract([long, 'short', long], { pool: true, onTruncated })
    expect(onTruncated.mock.calls).toEqual([[{ count: 2, maxLength: 16 }]])
    await extract(['short', 'text'], { onTruncated })
    expect(onTruncated).toHaveBeenCalledTimes(1)
  })

  it('refuses what is no text', async () => {
    using extract = await pipeline('feature-extraction', folder)
    await expect(extract(7 as unknown as string)).rejects.toThrow(InputError)
  })
})
