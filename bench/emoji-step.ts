/**
 * A step of the training of models/emoji, with its input pipeline, for `npm run bench`: prints the median.
 *
 *     node dist/bench/emoji-step.js DATA half|all STEPS
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readEmojiData } from '../examples/emoji/emoji-data.js'
import { BATCH, config, emojiTraining } from '../examples/emoji/recipe.js'
import { SiglipImageProcessor, SiglipModel, SiglipProcessor, SiglipTokenizer, useBackend } from '../src/index.js'
import { train } from '../src/node.js'
import { median } from './median.js'

const [folder = '', patches = 'half', steps = '15'] = process.argv.slice(2)

/** So many steps first: the recording, and the threads' start. */
const WARM_UP = 5

await useBackend('native', { quiet: true })
const out = await mkdtemp(join(tmpdir(), 'siglip-emoji-step-'))
const times: number[] = []
let last = performance.now()
await train({
  ...emojiTraining(await readEmojiData(folder)),
  model: new SiglipModel(config, { seed: 0, logits: { batchSize: BATCH } }),
  processor: new SiglipProcessor(
    new SiglipImageProcessor({ size: { height: 64, width: 64 } }),
    await SiglipTokenizer.fromPretrained(join('examples', 'emoji', 'tokenizer')),
  ),
  keepPatches: { share: patches === 'half' ? 0.5 : 1, fullShare: 0 },
  ...{ steps: WARM_UP + Number(steps) + 1, out, precision: 'float32' }, // it never comes to the last
  onStep: ({ step }) => {
    if (step > WARM_UP) times.push(performance.now() - last)
    last = performance.now()
    if (times.length !== Number(steps)) return
    console.log(`milliseconds ${median(times)}`)
    void rm(out, { recursive: true, force: true }).finally(() => process.exit()) // no checkpoint of it
  },
})
