import fc from 'fast-check'
import { InputError } from '../../../src/errors.js'
import { uniformStream } from '../../../src/random.js'
import { permutation, planBatches } from '../../../src/training/data/batch-plan.js'

const keys = fc.array(fc.constantFrom('a', 'b', 'c', 'd', 'e'), { maxLength: 60 })
const sizes = fc.integer({ min: 1, max: 7 })

it('without labels, an epoch is every sample once, in full batches', () => {
  fc.assert(
    fc.property(keys, sizes, fc.integer(), (all, batchSize, seed) => {
      const plan = planBatches(all, { batchSize, dropLast: false }, uniformStream(seed))
      const places = plan.flatMap((batch) => [...batch])
      expect(places.sort((a, b) => a - b)).toEqual(all.map((_, i) => i))
      expect(plan.slice(0, -1).every(({ length }) => length === batchSize)).toBe(true)
      const full = planBatches(all, { batchSize }, uniformStream(seed))
      expect(full).toEqual(plan.filter(({ length }) => length === batchSize))
    }),
  )
})

it('a label is in a batch once, and no sample is lost or twice', () => {
  fc.assert(
    fc.property(keys, sizes, fc.integer(), (all, batchSize, seed) => {
      const plan = planBatches(all, { batchSize, distinct: 'label', dropLast: false }, uniformStream(seed))
      for (const batch of plan) expect(new Set([...batch].map((place) => all[place])).size).toBe(batch.length)
      const places = plan.flatMap((batch) => [...batch])
      expect(places.sort((a, b) => a - b)).toEqual(all.map((_, i) => i))
    }),
  )
})

it.each([1, 2, 5000])('200,000 samples of %i labels go into batches of different ones', (labels) => {
  const all = Array.from({ length: 200_000 }, (_, i) => String(i % labels))
  const plan = planBatches(all, { batchSize: 32, distinct: 'label', dropLast: false }, uniformStream(3))
  expect(plan.reduce((sum, batch) => sum + batch.length, 0)).toBe(200_000)
  expect(plan).toHaveLength(Math.max(200_000 / 32, 200_000 / labels))
})

it('an epoch of labels has each label once, and each of its samples as often', () => {
  const all = ['a', 'b', 'a', 'a', 'b']
  const random = uniformStream(1)
  const drawn = new Map<number, number>()
  for (let epoch = 0; epoch < 3000; epoch++) {
    const [batch = new Int32Array(0)] = planBatches(all, { batchSize: 2, each: 'label' }, random)
    expect([...batch].map((place) => all[place]).sort()).toEqual(['a', 'b'])
    for (const place of batch) drawn.set(place, (drawn.get(place) ?? 0) + 1)
  }
  for (const place of [0, 2, 3]) expect(drawn.get(place)).toBeGreaterThan(900)
  for (const place of [1, 4]) expect(drawn.get(place)).toBeGreaterThan(1400)
})

it('neighbours stay together in the shuffled order, wherever their run begins', () => {
  const all = Array.from({ length: 20 }, (_, i) => String(i))
  const random = uniformStream(3)
  const together = new Map<number, number>()
  for (let epoch = 0; epoch < 300; epoch++) {
    const [batch = new Int32Array(0)] = planBatches(all, { batchSize: 20, neighbours: 4 }, random)
    expect([...batch].sort((a, b) => a - b)).toEqual(all.map(Number))
    let follows = 0
    for (const [i, place] of batch.entries()) {
      if (batch[i + 1] !== place + 1) continue
      follows++
      together.set(place, (together.get(place) ?? 0) + 1)
    }
    expect(follows).toBeGreaterThanOrEqual(14) // at most six runs
  }
  for (let place = 0; place < 19; place++) expect(together.get(place)).toBeGreaterThan(180)
  expect(() => planBatches(all, { batchSize: 4, neighbours: 0 }, random)).toThrow(InputError)
})

it('every order is as likely', () => {
  const random = uniformStream(5)
  const counts = new Map<string, number>()
  for (let i = 0; i < 6000; i++) {
    const order = permutation(3, random).join()
    counts.set(order, (counts.get(order) ?? 0) + 1)
  }
  expect(counts.size).toBe(6)
  for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(150)
})

it('unshuffled, it is the order of the data', () => {
  const plan = planBatches(['x', 'x', 'x'], { batchSize: 2, shuffle: false, dropLast: false }, () => 0.5)
  expect(plan).toEqual([Int32Array.of(0, 1), Int32Array.of(2)])
})

it.each([0, -1, 1.5, NaN])('refuses batches of %p', (batchSize) => {
  expect(() => planBatches(['a'], { batchSize }, () => 0)).toThrow(InputError)
})
