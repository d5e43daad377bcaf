import { limitCalls } from '../../src/io/limit-calls.js'

it('runs as many calls as allowed, no more, begins them in order, and goes on after failures', async () => {
  let running = 0
  let most = 0
  const begun: number[] = []
  const call = limitCalls(3, async (i: number) => {
    begun.push(i)
    most = Math.max(most, ++running)
    await new Promise(setImmediate)
    running--
    if (i % 4 === 0) throw new Error(`${i}`)
    return i
  })
  const results = await Promise.allSettled(Array.from({ length: 10 }, (_, i) => call(i)))
  expect(most).toBe(3)
  expect(begun).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  expect(results.map(({ status }) => status === 'rejected')).toEqual(begun.map((i) => i % 4 === 0))
})
