import { ImageError } from '../../../src/errors.js'
import { preparerHere } from '../../../src/image/processors/image-preparer.js'
import { SiglipImageProcessor } from '../../../src/image/processors/siglip-image-processor.js'
import { sampleBatches } from '../../../src/training/data/batches.js'
import { preparedBatches, type PreparedBatch } from '../../../src/training/data/prepared-batches.js'
import { listedData, type Sample } from '../../../src/training/data/sample.js'
import { fixturePath } from '../../fixture.js'

const names = ['chelsea.png', 'coffee.png', 'rocket.jpg', 'gray.png', 'wide.png']
const samples: readonly Sample[] = names.map((key) => ({
  key,
  open: () => fixturePath('images', key),
  captions: [`first of ${key}`, `second of ${key}`],
}))
const processor = new SiglipImageProcessor({ size: { height: 8, width: 8 } })
const preparer = preparerHere(processor)
const augmentation = { crop: {}, flip: 0.5, colour: { brightness: 0.5 } }
const options = { batchSize: 2, epochs: 3, seed: 2 }

async function collected(batches: AsyncIterable<PreparedBatch>): Promise<readonly PreparedBatch[]> {
  const all: PreparedBatch[] = []
  for await (const batch of batches) all.push(batch)
  return all
}

it('without augmentation, images are what the image processor gives, each with one of its captions', async () => {
  const all = await collected(preparedBatches(sampleBatches(listedData(samples), options), preparer))
  expect(all).toHaveLength(6)
  for (const { images, captions, samples: drawn } of all) {
    const { pixelValues } = await processor.call(drawn.map(({ sample }) => fixturePath('images', sample.key)))
    expect(images['pixelValues']).toEqual(pixelValues)
    for (const [i, { sample }] of drawn.entries()) expect(sample.captions).toContain(captions[i])
  }
})

it('taken up anywhere, it goes on with the same numbers', async () => {
  const whole = await collected(
    preparedBatches(sampleBatches(listedData(samples), options), preparer, { augmentation, ahead: 3 }),
  )
  const from = whole[2]?.next
  const rest = await collected(
    preparedBatches(sampleBatches(listedData(samples), { ...options, from }), preparer, { augmentation, ahead: 1 }),
  )
  expect(rest.map(({ images, captions }) => ({ images, captions }))).toEqual(
    whole.slice(3).map(({ images, captions }) => ({ images, captions })),
  )
  const pixels = whole.map(({ images }) => String(images['pixelValues']?.data))
  expect(new Set(pixels).size).toBe(6) // no image looks the same twice
})

it('says which image can’t be read', async () => {
  const broken = { key: 'x', open: () => new Uint8Array(9), captions: ['x'] }
  const batches = preparedBatches(sampleBatches(listedData([broken]), { batchSize: 1 }), preparer)
  await expect(collected(batches)).rejects.toThrow(ImageError)
})

it('what can’t be decoded gives its place to the next of its batch, if somebody is told', async () => {
  const broken: Sample = { key: 'x', open: () => new Uint8Array(9), captions: ['x'] }
  const [first, second] = samples as [Sample, Sample]
  const batchesOf = (...those: Sample[]) =>
    sampleBatches(listedData(those), { batchSize: those.length, epochs: 1, shuffle: false })
  const left: string[] = []
  const onLeftOut = ({ where, what }: { where: string; what: string }): void => void left.push(`${where}: ${what}`)
  const [batch] = await collected(preparedBatches(batchesOf(first, second, broken), preparer, { onLeftOut }))
  expect(batch?.samples.map(({ sample }) => sample.key)).toEqual([first.key, second.key, first.key])
  expect(batch?.captions[2]).toMatch(first.key)
  const { pixelValues } = await processor.call([first, second, first].map(({ key }) => fixturePath('images', key)))
  expect(batch?.images['pixelValues']).toEqual(pixelValues)
  expect(left).toEqual(['x: unreadable image'])
  await expect(collected(preparedBatches(batchesOf(broken), preparer, { onLeftOut }))).rejects.toThrow(ImageError)
})

it('captions may be made by the caller', async () => {
  const batches = sampleBatches(listedData(samples), { batchSize: 5, epochs: 1, shuffle: false })
  const drawn: number[] = []
  const caption = ({ key }: Sample, random: () => number): string => {
    drawn.push(random())
    return `a ${key}`
  }
  const [batch] = await collected(preparedBatches(batches, preparer, { caption }))
  expect(batch?.captions).toEqual(names.map((name) => `a ${name}`))
  expect(new Set(drawn).size).toBe(names.length)
})
