/** Trains the bundled model from scratch: a small SigLIP that finds emoji by text and labels by emoji. */
import { parseArgs } from 'node:util'
import {
  evaluateRetrieval,
  recallFigures,
  SiglipImageProcessor,
  SiglipModel,
  SiglipProcessor,
  SiglipTokenizer,
  type Precision,
} from 'siglip-tfjs'
import { train } from 'siglip-tfjs/node'
import { readEmojiData } from './emoji-data.js'
import type { Split } from './icon-sets.js'
import { BATCH, config, emojiTraining, labelOf, samplesOf, wordsOf } from './recipe.js'

const usage = `node dist/examples/emoji/train.js --data FOLDER --out FOLDER

Trains a SigLIP of 5.4 million parameters on what make-data.js drew, and measures how emoji of a vendor that it has never seen
find their labels, and labels their emoji. If interrupted, --resume continues.

  --data FOLDER      what make-data.js wrote                       [out/emoji-data]
  --tokenizer FOLDER its pieces                                    [examples/emoji/tokenizer]
  --out FOLDER       checkpoints, metrics, and the model           [out/emoji]
  --steps N          of 192 images each                          [6000]
  --precision NAME   float32, bfloat16 or auto                     [auto]
  --seed N           another one gives another model               [0]
  --resume           continue from the newest checkpoint
`
const { values: options } = parseArgs({
  options: {
    data: { type: 'string', default: 'out/emoji-data' },
    tokenizer: { type: 'string', default: 'examples/emoji/tokenizer' },
    out: { type: 'string', default: 'out/emoji' },
    steps: { type: 'string', default: '6000' },
    precision: { type: 'string', default: 'auto' },
    seed: { type: 'string', default: '0' },
    resume: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

async function run(): Promise<void> {
  const data = await readEmojiData(options.data)
  const tokenizer = await SiglipTokenizer.fromPretrained(options.tokenizer)
  const processor = new SiglipProcessor(new SiglipImageProcessor({ size: { height: 64, width: 64 } }), tokenizer)
  const seed = Number(options.seed)
  const precision = precisionOf(options.precision)
  const model = new SiglipModel(config, { seed, logits: { batchSize: BATCH } })
  const evaluate = async (split: Split, said = labelOf): Promise<Readonly<Record<string, number>>> => {
    const samples = samplesOf(data, split, said)
    const shown = new Set(samples.flatMap(({ captions }) => captions))
    const distractors = data.emoji.map(said).filter((caption) => !shown.has(caption))
    return recallFigures(await evaluateRetrieval({ model, processor }, samples, { distractors, precision }))
  }
  const controller = new AbortController()
  process.once('SIGINT', () => {
    controller.abort()
  })
  const { figures, isComplete, folder } = await train({
    ...{ model, processor, out: options.out, resume: options.resume, signal: controller.signal },
    ...{ ...emojiTraining(data), steps: Number(options.steps), seed, precision },
    evaluators: {
      validation: { every: 500, evaluate: () => evaluate('validation') },
      test: { evaluate: () => evaluate('test') },
      'test by words': { evaluate: () => evaluate('test', wordsOf) },
    },
    saveEvery: 250,
    onStep: ({ step, steps, loss, imagesPerSecond, secondsLeft }) => {
      if (step > 10 && step % 10 > 0) return
      const pace = `${imagesPerSecond.toFixed(0)} images/s, ${(secondsLeft / 60).toFixed(1)} min left`
      console.log(`step ${step} of ${steps}: loss ${loss.toFixed(4)}, ${pace}`)
    },
  })
  console.log(isComplete ? figures : 'stopped; continue with --resume', folder)
}

function precisionOf(name: string): Precision {
  if (name === 'float32' || name === 'bfloat16' || name === 'auto') return name
  throw new Error(`unknown precision ${name}`)
}

if (options.help) console.log(usage)
else await run()
