import { DEFAULT_SEED } from '../random.js'
import { planDefaults } from './data/batch-plan.js'

/** The defaults of training. The trainer, the command line and its help read these values. */
export const trainDefaults = Object.freeze({
  /** How samples go into batches. */
  ...planDefaults,
  seed: DEFAULT_SEED,
  loss: 'sigmoid',
  /** Of AdamW, for a pretrained model. */
  learningRate: 1e-5,
  clipNorm: 1,
  /** The share of the steps at the end that see all patches, with `keepPatches`. */
  fullShare: 0.1,
  microBatches: 1,
  precision: 'auto',
  saveEvery: 1000,
  keepCheckpoints: 2,
  resume: false,
} as const)

/** Steps of the warm-up: 5 % of the training. */
export const defaultWarmup = (steps: number): number => Math.floor(steps / 20)
