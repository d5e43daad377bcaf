import fc from 'fast-check'
import { readAhead } from '../../../converters/formats/read-ahead.js'

/** Weights whose reads take turns as the scheduler likes; counts those underway. */
function slowWeights(scheduler: fc.Scheduler, broken?: string) {
  const state = { underway: 0, most: 0 }
  const read = async (name: string): Promise<Float32Array<ArrayBuffer>> => {
    state.most = Math.max(state.most, ++state.underway)
    await scheduler.schedule(Promise.resolve())
    state.underway--
    if (name === broken) throw new Error(`no ${name}`)
    return Float32Array.of(Number(name))
  }
  return { read, state }
}

const names = Array.from({ length: 7 }, (_, i) => String(i))

describe('readAhead', () => {
  it('gives every weight in order, whichever read ends first, and never reads more than five at once', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.integer({ min: 0, max: 7 }), async (scheduler, count) => {
        const { read, state } = slowWeights(scheduler)
        const found: [string, number | undefined][] = []
        const all = (async () => {
          for await (const [name, values] of readAhead({ read }, names.slice(0, count))) found.push([name, values[0]])
        })()
        await scheduler.waitFor(all)
        expect(found).toEqual(names.slice(0, count).map((name) => [name, Number(name)]))
        expect(state.most).toBe(Math.min(count, 5))
      }),
    )
  })

  it('leaves no read underway when one fails or the caller stops', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.constantFrom(...names), fc.boolean(), async (scheduler, at, fails) => {
        const { read, state } = slowWeights(scheduler, fails ? at : undefined)
        const some = (async () => {
          for await (const [name] of readAhead({ read }, names)) if (name === at) return 'stopped'
          return 'ended'
        })().catch((error: unknown) => String(error))
        expect(await scheduler.waitFor(some)).toBe(fails ? `Error: no ${at}` : 'stopped')
        expect(state.underway).toBe(0)
      }),
    )
  })
})
