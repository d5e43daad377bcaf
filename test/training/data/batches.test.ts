import fc from 'fast-check'
import { InputError } from '../../../src/errors.js'
import { captionOf, sampleBatches, type BatchesOptions, type SampleBatch } from '../../../src/training/data/batches.js'
import { listedData, type Sample, type TrainingData } from '../../../src/training/data/sample.js'
import { streamedData } from '../../../src/training/data/streamed-data.js'

const samples = (count: number, prefix = ''): readonly Sample[] =>
  Array.from({ length: count }, (_, i) => ({
    key: `${prefix}${i}`,
    open: () => new Uint8Array(0),
    captions: [`caption ${i}`],
    label: String(i % 5),
  }))

/** Pools that are made of other shards in each epoch. */
const pooled: TrainingData = {
  pool: (place, order) => {
    const shard = order(3)[place]
    return Promise.resolve(shard === undefined ? undefined : samples(7 + shard, `${shard}/`))
  },
}

async function run(data: TrainingData, options: BatchesOptions, most = Infinity): Promise<readonly SampleBatch[]> {
  const batches: SampleBatch[] = []
  for await (const batch of sampleBatches(data, options)) if (batches.push(batch) >= most) break
  return batches
}

const said = (batches: readonly SampleBatch[]) =>
  batches.map(({ samples: all, epoch }) => [epoch, ...all.map(({ sample, seed }) => [sample.key, seed])])

it.each([
  ['a list', () => listedData(samples(20))],
  ['pools', () => pooled],
  ['a stream', () => streamedData(() => samples(20), 8)],
])('goes on from any position of %s as if there had been no break', async (_, data) => {
  const options = { batchSize: 3, seed: 4, epochs: 3 }
  const whole = await run(data(), options)
  expect(whole.length).toBeGreaterThanOrEqual(15)
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: whole.length - 1 }), async (cut) => {
      const from = JSON.parse(JSON.stringify(whole[cut]?.next)) as NonNullable<BatchesOptions['from']>
      expect(said(await run(data(), { ...options, from }))).toEqual(said(whole.slice(cut + 1)))
    }),
    { numRuns: 12 },
  )
})

it('epochs and seeds have orders and random numbers of their own', async () => {
  const first = said(await run(listedData(samples(12)), { batchSize: 12, epochs: 2 }))
  const other = said(await run(listedData(samples(12)), { batchSize: 12, epochs: 2, seed: 1 }))
  expect(first).not.toEqual(other)
  expect(first[0]?.slice(1)).not.toEqual(first[1]?.slice(1))
  expect(new Set([...first, ...other].flatMap((batch) => batch.slice(1).map((entry) => String(entry)))).size).toBe(48)
})

it('a label is in a batch once if that is asked', async () => {
  for (const { samples: all } of await run(listedData(samples(40)), { batchSize: 5, epochs: 2, distinct: 'label' })) {
    expect(new Set(all.map(({ sample }) => sample.label)).size).toBe(5)
  }
})

it('a stream is read once an epoch where nothing was interrupted', async () => {
  let begun = 0
  const data = streamedData(() => {
    begun++
    return samples(20)
  }, 6)
  await run(data, { batchSize: 2, epochs: 2 })
  expect(begun).toBe(2)
})

it('draws each caption as often', () => {
  const sample = { key: 'a', open: () => '', captions: ['x', 'y'] }
  const drawn = Array.from({ length: 2000 }, (_, seed) => captionOf({ sample, seed: seed * 7919 }))
  expect(Math.abs(drawn.filter((caption) => caption === 'x').length - 1000)).toBeLessThan(100)
})

it.each([
  ['too little data', listedData(samples(3)), { batchSize: 4 }],
  ['too few labels', listedData(samples(100)), { batchSize: 6, distinct: 'label' as const }],
  ['no data', listedData([]), { batchSize: 1 }],
  ['a bad position', listedData(samples(9)), { batchSize: 1, from: { epoch: 0, pool: -1, batch: 0 } }],
])('refuses %s instead of going on without end', async (_, data, options) => {
  await expect(run(data, options)).rejects.toThrow(InputError)
})
