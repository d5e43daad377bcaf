import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { resourceUsage } from 'node:process'
import { train, type TrainOptions } from '../src/node.js'
import { median } from './median.js'

/** Trains so many steps after those of the warm-up, prints the median of a step and the peak of memory, and ends the process. */
export async function timedTraining(
  { steps, warmUp }: { readonly steps: number; readonly warmUp: number },
  options: Omit<TrainOptions, 'steps' | 'out' | 'onStep'>,
): Promise<void> {
  const out = await mkdtemp(join(tmpdir(), 'siglip-timed-training-'))
  const times: number[] = []
  let last = performance.now()
  await train({
    ...options,
    ...{ steps: warmUp + steps + 1, out }, // it never reaches the last
    onStep: ({ step }) => {
      if (step > warmUp) times.push(performance.now() - last)
      last = performance.now()
      if (times.length !== steps) return
      console.log(`milliseconds ${median(times)}\npeak ${resourceUsage().maxRSS * 1024}`)
      void rm(out, { recursive: true, force: true }).finally(() => process.exit()) // no checkpoint of it
    },
  })
}
