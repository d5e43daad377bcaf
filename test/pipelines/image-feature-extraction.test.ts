import { createReadStream } from 'node:fs'
import { ConfigError } from '../../src/errors.js'
import { pipeline } from '../../src/pipelines/pipeline.js'
import { onEachBackend } from '../backends.js'
import { fixturePath } from '../fixture.js'
import { all, expectArray, oneByOne, images, reference } from './reference.js'

onEachBackend(() => {
  it.each([
    ['siglip', 'siglip-tiny'],
    ['siglip2', 'siglip2-naflex-tiny'],
  ] as const)('gives the features of transformers: %s', async (family, folder) => {
    using extract = await pipeline('image-feature-extraction', fixturePath(folder))
    const { hidden, pooled } = reference.imageFeatures[family]
    expectArray(await extract(images[0] ?? ''), hidden[0] ?? [])
    const found = await extract(images, { pool: true, batchSize: 2 })
    expect(found).toHaveLength(images.length)
    for (const [i, expected] of pooled.entries()) expectArray(found[i]!, expected)
  })
})

describe('image-feature-extraction', () => {
  it('takes a Node stream for one image, an async generator for many', async () => {
    using extract = await pipeline('image-feature-extraction', fixturePath('siglip-tiny'))
    const lists = await extract(images, { pool: true })
    expect(await extract(createReadStream(images[1] ?? ''), { pool: true })).toEqual(lists[1])
    expect(await all(extract(oneByOne(images), { pool: true }))).toEqual(lists)
  })

  it('says that a tower without a head has no embedding', async () => {
    const folder = fixturePath('vision-no-head')
    const { MemoryFolder } = await import('../../src/hub/memory-folder.js')
    const { readFile } = await import('node:fs/promises')
    const files = new Map<string, Uint8Array>()
    for (const name of ['config.json', 'model.safetensors']) files.set(name, await readFile(`${folder}/${name}`))
    const processor = fixturePath('classifier-single', 'preprocessor_config.json')
    files.set('preprocessor_config.json', await readFile(processor))
    using extract = await pipeline('image-feature-extraction', new MemoryFolder(files))
    await expect(extract(images[0] ?? '', { pool: true })).rejects.toThrow(ConfigError)
    expect((await extract(images[0] ?? '')).shape).toHaveLength(3)
  })
})
