/** Trains the model in the box: a small SigLIP that finds emoji by words and words by emoji, from nothing. */
import { parseArgs } from 'node:util'
import {
  AdamW,
  cosineSchedule,
  evaluateRetrieval,
  listedData,
  Muon,
  noDecay,
  recallFigures,
  SiglipImageProcessor,
  SiglipModel,
  SiglipProcessor,
  SiglipTokenizer,
  type Augmentation,
  type Precision,
  type Sample,
} from 'siglip-tfjs'
import { train, type OptimizerPart } from 'siglip-tfjs/node'
import { emojiCaption, emojiMatches, readEmojiData, type EmojiData } from './emoji-data.js'
import { fewTags, type Emoji } from './emoji-list.js'
import type { Split } from './icon-sets.js'

const usage = `node dist/examples/emoji/train.js --data FOLDER --out FOLDER

Trains a SigLIP of 5.4 million parameters on what make-data.js drew, and measures how emoji of a vendor that it has never seen
find their labels, and labels their emoji. Broken off, it goes on with --resume.

  --data FOLDER      what make-data.js wrote                       [out/emoji-data]
  --tokenizer FOLDER its pieces                                    [examples/emoji/tokenizer]
  --out FOLDER       checkpoints, figures, and the model           [out/emoji]
  --steps N          of 192 pictures each                          [6000]
  --precision NAME   float32, bfloat16 or auto                     [auto]
  --seed N           another one gives another model               [0]
  --resume           go on from the newest checkpoint
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

const BATCH = 192
const tower = { hiddenSize: 192, intermediateSize: 768, numAttentionHeads: 3 }
const config = {
  textConfig: {
    ...tower,
    ...{ vocabSize: 2000, numHiddenLayers: 4, maxPositionEmbeddings: 16, projectionSize: 192 },
    ...{ padTokenId: 0, bosTokenId: 1, eosTokenId: 2 },
  },
  visionConfig: { ...tower, numHiddenLayers: 6, imageSize: 64, patchSize: 8 },
  task_specific_params: { 'zero-shot-image-classification': { hypothesis_template: '{}' } },
}

/** Other vendors draw larger and smaller, in other colours, on other backgrounds. */
const augmentation: Augmentation = {
  affine: { degrees: 10, translate: 0.08, scale: [0.8, 1.2], shear: 4.5 },
  colour: { brightness: 0.22, contrast: 0.2, saturation: 0.5, hue: 14, grey: 0.05 },
  background: 0.45,
  erasing: { probability: 0.1, scale: [0.016, 0.14], ratio: [0.4, 2.5] },
}

const optimizer: readonly OptimizerPart[] = [
  {
    pattern: /encoder\..*(proj|fc\d)\.weight$/,
    make: (parameters) => new Muon({ parameters, learningRate: 0.02, weightDecay: 0.05 }),
  },
  {
    make: (parameters) =>
      new AdamW({
        parameters,
        ...{ learningRate: 1.5e-3, betas: [0.9, 0.98], weightDecay: 0.05 },
        groups: [{ pattern: /^logit_/, learningRate: 5 }, { pattern: /embedding/, weightDecay: 0 }, noDecay],
      }),
  },
]

/** In the order of Unicode, where neighbours look alike. */
function samplesOf({ emoji, pictures }: EmojiData, split: Split, said = labelOf): readonly Sample[] {
  const places = new Map(emoji.map((each, place) => [each, place]))
  const inOrder = [...pictures].sort((a, b) => (places.get(a.emoji) ?? 0) - (places.get(b.emoji) ?? 0))
  const chosen = inOrder.filter((picture) => picture.split === split)
  return chosen.map(({ set, emoji, pixels }) => ({
    key: `${set}/${emoji.key}`,
    open: () => pixels,
    captions: [said(emoji)],
    label: emoji.key,
  }))
}

const labelOf = ({ label }: Emoji): string => label
const wordsOf = ({ tags }: Emoji): string => fewTags(tags)

/** Two cosines, the second lower and longer: half a percent of the rate is left at the end of each. */
const schedule = (steps: number) => {
  const restart = Math.round(0.45 * steps)
  const cosine = (steps: number) => cosineSchedule({ steps, warmup: Math.ceil(0.03 * steps) })
  const [first, second] = [cosine(restart), cosine(steps - restart)]
  return (step: number): number => Math.max(0.005, step < restart ? first(step) : 0.7 * second(step - restart))
}

async function run(): Promise<void> {
  const data = await readEmojiData(options.data)
  const emojiOf = new Map(data.emoji.map((emoji) => [emoji.key, emoji]))
  const labels = new Set(data.emoji.map(labelOf))
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
    data: listedData(samplesOf(data, 'train')),
    ...{
      batchSize: BATCH,
      each: 'label',
      distinct: 'label',
      neighbours: 6,
      steps: Number(options.steps),
      seed,
      precision,
    },
    ...{ optimizer, schedule, augmentation, keepPatches: { share: 0.5, fullShare: 0.03 } },
    caption: ({ label = '', captions }, random) => {
      const emoji = emojiOf.get(label)
      return emoji ? emojiCaption(emoji, random) : (captions[0] ?? '')
    },
    matches: (caption) => {
      const goesWith = emojiMatches(caption, labels)
      return ({ label = '' }) => {
        const emoji = emojiOf.get(label)
        return emoji !== undefined && goesWith(emoji)
      }
    },
    evaluators: {
      validation: { every: 500, evaluate: () => evaluate('validation') },
      test: { evaluate: () => evaluate('test') },
      'test by words': { evaluate: () => evaluate('test', wordsOf) },
    },
    saveEvery: 250,
    onStep: ({ step, steps, loss, picturesPerSecond, secondsLeft }) => {
      if (step > 10 && step % 10 > 0) return
      const pace = `${picturesPerSecond.toFixed(0)} pictures/s, ${(secondsLeft / 60).toFixed(1)} min left`
      console.log(`step ${step} of ${steps}: loss ${loss.toFixed(4)}, ${pace}`)
    },
  })
  console.log(isComplete ? figures : 'stopped; go on with --resume', folder)
}

function precisionOf(name: string): Precision {
  if (name === 'float32' || name === 'bfloat16' || name === 'auto') return name
  throw new Error(`no precision ${name}`)
}

if (options.help) console.log(usage)
else await run()
