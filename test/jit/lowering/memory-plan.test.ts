import fc from 'fast-check'
import { planMemory } from '../../../src/jit/lowering/memory-plan.js'
import type { Step, View } from '../../../src/jit/program/program.js'

const view = (buffer: number): View => ({ buffer, offset: 0, dtype: 'float32', shape: [1], strides: [1] })
const copy = (from: number, to: number): Step => ({ kind: 'copy', from: view(from), to: view(to) })

it('never lets two buffers share memory while both are in use', () => {
  const programs = fc.array(fc.tuple(fc.nat(9), fc.nat(9)), { minLength: 1, maxLength: 20 })
  fc.assert(
    fc.property(
      programs,
      fc.array(fc.integer({ min: 1, max: 500 }), { minLength: 10, maxLength: 10 }),
      (pairs, bytes) => {
        const steps = pairs.map(([from, to]) => copy(from, to))
        const sizes = new Map(bytes.map((size, buffer) => [buffer, size]))
        const plan = planMemory(steps, sizes)
        const uses = bytes.map((size, buffer) => {
          const at = pairs.flatMap((pair, i) => (pair.includes(buffer) ? [i] : []))
          const offset = plan.offsets.get(buffer)!
          expect(offset % 64).toBe(0)
          if (at.length > 0) expect(offset + size).toBeLessThanOrEqual(plan.bytes)
          return { first: at[0] ?? Infinity, last: at.at(-1) ?? -1, begin: offset, end: offset + size }
        })
        for (const [i, a] of uses.entries()) {
          for (const b of uses.slice(i + 1)) {
            const together = a.first <= b.last && b.first <= a.last
            if (together) expect(a.end <= b.begin || b.end <= a.begin).toBe(true)
          }
        }
      },
    ),
  )
})

it('uses the memory of buffers that are done with', () => {
  const steps = [copy(0, 1), copy(1, 2), copy(2, 3), copy(3, 4)]
  const sizes = new Map([1, 2, 3].map((buffer) => [buffer, 640]))
  expect(planMemory(steps, sizes).bytes).toBe(1280)
})
