import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { InputError } from '../../src/errors.js'
import { pipeline } from '../../src/pipelines/pipeline.js'
import { trainClassifier } from '../../src/pipelines/train-classifier.js'
import { AdamW } from '../../src/training/optimizers/adamw.js'
import { onEachBackend } from '../backends.js'
import { fixturePath } from '../fixture.js'
import { colourNames, colourSamples, writeColours } from '../training/colours.js'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'siglip-classifier-'))
  await writeColours(path.join(folder, 'colours'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))
beforeEach(() => {
  jest.spyOn(console, 'warn').mockImplementation(() => undefined) // that the classifier starts at random
})
afterEach(() => {
  jest.restoreAllMocks()
})

onEachBackend((backend) => {
  it('makes a classifier of a folder of folders, which a pipeline loads', async () => {
    const out = path.join(folder, backend)
    const trained = await trainClassifier(fixturePath('siglip-tiny'), path.join(folder, 'colours'), {
      ...{ out, batchSize: 8, epochs: 12, seed: 2 },
      optimizer: (parameters) => new AdamW({ parameters, learningRate: 5e-3 }),
    })
    expect(trained.report?.accuracy).toBe(1)
    expect(await readFile(path.join(out, 'confusion.svg'), 'utf8')).toContain('green named green: 4 of 4')
    const classify = await pipeline('image-classification', trained.folder)
    const blue = colourSamples.find(({ label }) => label === 'blue')!
    expect((await classify(blue.open()))[0]).toMatchObject({ label: 'blue' })
    classify.dispose()
  })

  it('goes on from a classifier of other classes', async () => {
    const trained = await trainClassifier(fixturePath('classifier-single'), path.join(folder, 'colours'), {
      ...{ out: path.join(folder, `${backend}-again`), batchSize: 8, steps: 1, seed: 2 },
    })
    const classify = await pipeline('image-classification', trained.folder)
    const found = await classify(colourSamples[0]!.open(), { topK: colourNames.length })
    expect(found.map(({ label }) => label).sort()).toEqual([...colourNames].sort())
    classify.dispose()
  })

  it('refuses one class', async () => {
    const training = trainClassifier(fixturePath('siglip-tiny'), path.join(folder, 'colours', '..'), {
      ...{ out: folder, batchSize: 8, epochs: 1, onBroken: 'skip' },
    })
    await expect(training).rejects.toThrow(InputError)
  })
})
