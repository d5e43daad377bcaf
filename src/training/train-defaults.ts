import { DEFAULT_SEED } from '../random.js'
import { planDefaults } from './data/batch-plan.js'

/** What a training does where its options leave something open. The trainer, the command line and its help read these values. */
export const trainDefaults = Object.freeze({
  /** How samples go into batches. */
  ...planDefaults,
  seed: DEFAULT_SEED,
  loss: 'sigmoid',
  /** Of AdamW, for a model that is trained already. */
  learningRate: 1e-5,
  clipNorm: 1,
  /** All patches are seen for this share of the steps, at the end, with `keepPatches`. */
  fullShare: 0.1,
  microBatches: 1,
  precision: 'auto',
  saveEvery: 1000,
  keepCheckpoints: 2,
  resume: false,
} as const)

/** Steps of the warm-up: a twentieth of the training. */
export const defaultWarmup = (steps: number): number => Math.floor(steps / 20)
