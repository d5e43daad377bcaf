import fc from 'fast-check'
import { mapLimited } from '../../src/io/map-limited.js'

describe('mapLimited', () => {
  test('keeps the order, and never does more at a time than it may', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(3), { maxLength: 20 }), fc.integer({ min: 1, max: 5 }), async (turns, limit) => {
        let underway = 0
        let most = 0
        const results = await mapLimited(turns, limit, async (count, index) => {
          most = Math.max(most, ++underway)
          for (let turn = 0; turn < count; turn++) await Promise.resolve()
          underway--
          return `${index}:${count}`
        })
        expect(results).toEqual(turns.map((count, index) => `${index}:${count}`))
        expect(most).toBeLessThanOrEqual(limit)
      }),
    )
  })

  test('begins nothing after a failure', async () => {
    const begun: number[] = []
    const done = mapLimited([0, 1, 2, 3, 4], 2, async (item) => {
      begun.push(item)
      await Promise.resolve()
      if (item === 1) throw new Error('1 failed')
    })
    await expect(done).rejects.toThrow('1 failed')
    await new Promise(setImmediate)
    expect(begun).not.toContain(4)
  })
})
