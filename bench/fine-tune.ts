/**
 * A fine-tune of all parameters on JPEGs, with its input pipeline, for `npm run bench`: prints the median of a step and the peak of memory.
 *
 *     node dist/bench/fine-tune.js CHECKPOINT STEPS BATCH PRECISION PICTURE...
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { resourceUsage } from 'node:process'
import { AdamW, listedData, noDecay, SiglipModel, SiglipProcessor, useBackend } from '../src/index.js'
import { train } from '../src/node.js'
import { median } from './median.js'

const [folder = '', steps = '8', batch = '8', precision = 'bfloat16', ...pictures] = process.argv.slice(2)

/** So many steps first: the recording, and the threads' start. */
const WARM_UP = 2

await useBackend('native', { quiet: true })
const out = await mkdtemp(join(tmpdir(), 'siglip-fine-tune-'))
const times: number[] = []
let last = performance.now()
await train({
  model: await SiglipModel.fromPretrained(folder),
  processor: await SiglipProcessor.fromPretrained(folder),
  data: listedData(
    pictures.map((picture, i) => ({ key: picture, open: () => picture, captions: [`a photo of ${i}`] })),
  ),
  optimizer: (parameters) => new AdamW({ parameters, learningRate: 1e-5, groups: [noDecay] }),
  ...{ batchSize: Number(batch), steps: WARM_UP + Number(steps) + 1, out }, // it never comes to the last
  precision: precision === 'float32' ? 'float32' : 'bfloat16',
  onStep: ({ step }) => {
    if (step > WARM_UP) times.push(performance.now() - last)
    last = performance.now()
    if (times.length !== Number(steps)) return
    console.log(`milliseconds ${median(times)}\npeak ${resourceUsage().maxRSS * 1024}`)
    void rm(out, { recursive: true, force: true }).finally(() => process.exit()) // no checkpoint of it
  },
})
