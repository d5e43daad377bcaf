/**
 * A fine-tune of all parameters on JPEGs, with its input pipeline, for `npm run bench`: prints the median of a step and the peak of memory.
 *
 *     node dist/bench/fine-tune.js CHECKPOINT STEPS BATCH PRECISION IMAGE...
 */
import { AdamW, listedData, noDecay, SiglipModel, SiglipProcessor, useBackend } from '../src/index.js'
import { timedTraining } from './timed-training.js'

const [folder = '', steps = '8', batch = '8', precision = 'bfloat16', ...images] = process.argv.slice(2)

/** So many steps first: the recording, and the threads' start. */
const WARM_UP = 2

await useBackend('native', { quiet: true })
await timedTraining(
  { steps: Number(steps), warmUp: WARM_UP },
  {
    model: await SiglipModel.fromPretrained(folder),
    processor: await SiglipProcessor.fromPretrained(folder),
    data: listedData(images.map((image, i) => ({ key: image, open: () => image, captions: [`a photo of ${i}`] }))),
    optimizer: (parameters) => new AdamW({ parameters, learningRate: 1e-5, groups: [noDecay] }),
    batchSize: Number(batch),
    precision: precision === 'float32' ? precision : 'bfloat16',
  },
)
