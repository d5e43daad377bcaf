/** The training recipe of the bundled model. */
import { AdamW, cosineSchedule, listedData, Muon, noDecay, type Augmentation, type Sample } from 'siglip-tfjs'
import type { OptimizerPart, TrainOptions } from 'siglip-tfjs/node'
import { emojiCaption, emojiMatches, type EmojiData } from './emoji-data.js'
import { fewTags, type Emoji } from './emoji-list.js'
import type { Split } from './icon-sets.js'

/** Images, each of another emoji. */
export const BATCH = 192
const tower = { hiddenSize: 192, intermediateSize: 768, numAttentionHeads: 3 }
export const config = {
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
export function samplesOf({ emoji, images }: EmojiData, split: Split, said = labelOf): readonly Sample[] {
  const places = new Map(emoji.map((each, place) => [each, place]))
  const inOrder = [...images].sort((a, b) => (places.get(a.emoji) ?? 0) - (places.get(b.emoji) ?? 0))
  const chosen = inOrder.filter((image) => image.split === split)
  return chosen.map(({ set, emoji, pixels }) => ({
    key: `${set}/${emoji.key}`,
    open: () => pixels,
    captions: [said(emoji)],
    label: emoji.key,
  }))
}

/** What an emoji is called. */
export const labelOf = ({ label }: Emoji): string => label
/** What users may type. */
export const wordsOf = ({ tags }: Emoji): string => fewTags(tags)

/** Two cosines, the second lower and longer: half a percent of the rate is left at the end of each. */
const schedule = (steps: number) => {
  const restart = Math.round(0.45 * steps)
  const cosine = (length: number) =>
    cosineSchedule({ steps: Math.max(1, length), warmup: Math.max(0, Math.min(length - 1, Math.ceil(0.03 * length))) })
  const [first, second] = [cosine(restart), cosine(steps - restart)]
  return (step: number): number => Math.max(0.005, step < restart ? first(step) : 0.7 * second(step - restart))
}

/** All of the recipe but its length. */
export function emojiTraining(data: EmojiData) {
  const emojiOf = new Map(data.emoji.map((emoji) => [emoji.key, emoji]))
  const labels = new Set(data.emoji.map(labelOf))
  return {
    data: listedData(samplesOf(data, 'train')),
    ...{ batchSize: BATCH, each: 'label', distinct: 'label', neighbours: 6 },
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
  } satisfies Partial<TrainOptions>
}
