import fc from 'fast-check'
import { inBatches, prefetched } from '../../src/pipelines/prefetched.js'

async function* numbers(count: number, end?: () => void): AsyncGenerator<number> {
  try {
    for (let i = 0; i < count; i++) yield await Promise.resolve(i)
  } finally {
    end?.()
  }
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = []
  for await (const item of items) list.push(item)
  return list
}

describe('prefetched', () => {
  it('gives everything in order, and loads one ahead of its use', async () => {
    const log: string[] = []
    const load = (i: number) => {
      log.push(`load ${i}`)
      return Promise.resolve(i)
    }
    for await (const i of prefetched(numbers(3), load)) {
      await new Promise(setImmediate)
      log.push(`use ${i}`)
    }
    expect(log).toEqual(['load 0', 'load 1', 'use 0', 'load 2', 'use 1', 'use 2'])
  })

  it('throws what loading throws, after what came before it', async () => {
    const used: number[] = []
    const load = (i: number) => (i === 2 ? Promise.reject(new Error('two')) : Promise.resolve(i))
    const run = async () => {
      for await (const i of prefetched(numbers(5), load)) used.push(i)
    }
    await expect(run()).rejects.toThrow('two')
    expect(used).toEqual([0, 1])
  })

  it('stops at the signal, and lets the source end', async () => {
    const controller = new AbortController()
    const ended = jest.fn()
    const used: number[] = []
    const run = async () => {
      for await (const i of prefetched(numbers(5, ended), (i) => Promise.resolve(i), controller.signal)) {
        used.push(i)
        if (i === 1) controller.abort()
      }
    }
    await expect(run()).rejects.toThrow(/abort/)
    expect(used).toEqual([0, 1])
    expect(ended).toHaveBeenCalledTimes(1)
  })

  it('lets the source end when the caller breaks off', async () => {
    const ended = jest.fn()
    for await (const i of prefetched(numbers(5, ended), (i) => Promise.resolve(i))) if (i === 1) break
    expect(ended).toHaveBeenCalledTimes(1)
  })
})

describe('inBatches', () => {
  it('keeps every item, in rows of the size but for the last', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat()), fc.integer({ min: 1, max: 9 }), async (items, size) => {
        const batches = await all(inBatches(items, size))
        expect(batches.flat()).toEqual(items)
        expect(batches.slice(0, -1).every(({ length }) => length === size)).toBe(true)
        expect(batches.every(({ length }) => length > 0 && length <= size)).toBe(true)
      }),
    )
  })
})
