import fc from 'fast-check'
import { inBatches, prefetched } from '../src/prefetched.js'

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
      for await (const i of prefetched(numbers(5, ended), (i) => Promise.resolve(i), { signal: controller.signal })) {
        used.push(i)
        if (i === 1) controller.abort()
      }
    }
    await expect(run()).rejects.toThrow(/abort/)
    expect(used).toEqual([0, 1])
    expect(ended).toHaveBeenCalledTimes(1)
  })

  it('loads no more ahead than it was asked to, and pulls one at a time', async () => {
    let loading = 0
    let pulling = 0
    let most = 0
    const source: AsyncIterable<number> = {
      [Symbol.asyncIterator]: () => {
        let i = 0
        return {
          next: async () => {
            expect(++pulling).toBe(1)
            await new Promise(setImmediate)
            pulling--
            return { done: i >= 20, value: i++ }
          },
        }
      },
    }
    const load = async (i: number) => {
      most = Math.max(most, ++loading)
      await new Promise((resolve) => setTimeout(resolve, 20))
      loading--
      return i
    }
    expect(await all(prefetched(source, load, { ahead: 4 }))).toEqual(Array.from({ length: 20 }, (_, i) => i))
    expect(most).toBeGreaterThan(2)
    expect(most).toBeLessThanOrEqual(5)
  })

  it('stops at the signal also while the source gives nothing', async () => {
    const controller = new AbortController()
    async function* silent(): AsyncGenerator<number> {
      yield 1
      await new Promise(() => undefined)
    }
    const used: number[] = []
    const run = async () => {
      for await (const i of prefetched(silent(), (i) => Promise.resolve(i), { signal: controller.signal })) {
        used.push(i)
        setImmediate(() => {
          controller.abort(new Error('enough'))
        })
      }
    }
    await expect(run()).rejects.toThrow('enough')
    expect(used).toEqual([1])
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
