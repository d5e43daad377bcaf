/**
 * A step of the training of models/emoji, with its input pipeline, for `npm run bench`: prints the median and the peak of memory.
 *
 *     node dist/bench/emoji-step.js DATA half|all STEPS
 */
import { join } from 'node:path'
import { readEmojiData } from '../examples/emoji/emoji-data.js'
import { BATCH, config, emojiTraining } from '../examples/emoji/recipe.js'
import { SiglipImageProcessor, SiglipModel, SiglipProcessor, SiglipTokenizer, useBackend } from '../src/index.js'
import { timedTraining } from './timed-training.js'

const [folder = '', patches = 'half', steps = '15'] = process.argv.slice(2)

/** So many steps first: the recording, and the threads' start. */
const WARM_UP = 5

await useBackend('native', { quiet: true })
await timedTraining(
  { steps: Number(steps), warmUp: WARM_UP },
  {
    ...emojiTraining(await readEmojiData(folder)),
    model: new SiglipModel(config, { seed: 0, logits: { batchSize: BATCH } }),
    processor: new SiglipProcessor(
      new SiglipImageProcessor({ size: { height: 64, width: 64 } }),
      await SiglipTokenizer.fromPretrained(join('examples', 'emoji', 'tokenizer')),
    ),
    keepPatches: { share: patches === 'half' ? 0.5 : 1, fullShare: 0 },
    precision: 'float32',
  },
)
