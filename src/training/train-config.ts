import type { Augmentation } from '../image/augment/augmentation.js'
import type { Precision } from '../jit/precision.js'
import type { ContrastiveLoss } from './contrastive-objective.js'
import type { PlanOptions } from './data/batch-plan.js'
import type { ContrastiveLossName } from './losses/loss-names.js'
import type { Schedule } from './optimizers/schedule.js'
import type { Evaluator, OptimizerPart, TrainOptions } from './train-options.js'

/** Fields without a default: an absent one has no effect. */
type Optional = 'lora' | 'baseModel' | 'caption' | 'matches' | 'onLeftOut' | 'onTruncated' | 'signal' | 'onStep'

/**
 * A training's options with every default filled in, checked and frozen: what the trainer computes with, and what a checkpoint is
 * compared with before a training resumes. Made by `resolveTrainOptions`.
 */
export interface TrainConfig
  extends Pick<TrainOptions, 'model' | 'processor' | 'data' | 'out'>, Pick<Required<TrainOptions>, Optional> {
  /** Of the whole training; `epochs` are counted in steps. */
  readonly steps: number
  readonly batchSize: number
  readonly shuffle: boolean
  /** What a batch has at most once; undefined for no such rule. */
  readonly distinct: PlanOptions['distinct']
  /** What an epoch has once. */
  readonly each: NonNullable<PlanOptions['each']>
  /** How many neighbours in the data stay together when it is shuffled. */
  readonly neighbours: number
  /** Every order and every random choice follows from it. */
  readonly seed: number
  /** Undefined for a classifier, which has its own. */
  readonly loss: ContrastiveLossName | ContrastiveLoss | undefined
  /** Each parameter belongs to the first that names it. */
  readonly optimizer: readonly OptimizerPart[]
  /** The factor on the learning rate by step. */
  readonly schedule: Schedule
  /** Maximum of the gradient's length as one vector. */
  readonly clipNorm: number
  /** Maximum of the logits' scale; undefined for no bound. */
  readonly maxLogitScale: number | undefined
  /** Decay of the moving average of the weights; undefined for none. */
  readonly ema: number | undefined
  /** The share of an image's patches that a step sees, and the share of steps at the end that see all. */
  readonly keepPatches: { readonly share: number; readonly fullShare: number }
  /** How many micro-batches a batch goes through the towers in. */
  readonly microBatches: number
  /** A copy: later changes of the caller's have no effect. */
  readonly augmentation: Augmentation | undefined
  /** What matrices are multiplied in. */
  readonly precision: Precision
  /** By the names under which their metrics are logged. */
  readonly evaluators: Readonly<Record<string, Evaluator>>
  /** Steps between two checkpoints. */
  readonly saveEvery: number
  /** How many of the newest checkpoints stay. */
  readonly keepCheckpoints: number
  /** Whether to continue from the newest checkpoint in `out`. */
  readonly resume: boolean
}
