import type * as tf from '@tensorflow/tfjs'
import type { Augmentation } from '../image/augment/augmentation.js'
import type { ImageProcessor } from '../image/processors/image-preparer.js'
import type { Siglip2Model } from '../models/siglip2/modeling.js'
import type { SiglipModel } from '../models/siglip/modeling.js'
import type { Precision } from '../jit/precision.js'
import type { PreTrainedTokenizer } from '../tokenizer/pretrained-tokenizer.js'
import type { OnTruncatedTexts } from '../tokenizer/truncated-texts.js'
import type { AnyClassifier } from './classification-objective.js'
import type { ContrastiveLoss } from './contrastive-objective.js'
import type { BrokenSample } from './data/broken-sample.js'
import type { PlanOptions } from './data/batch-plan.js'
import type { Sample, TrainingData } from './data/sample.js'
import type { Lora } from './lora/lora.js'
import type { ContrastiveLossName } from './losses/loss-names.js'
import type { Optimizer } from './optimizers/optimizer.js'
import type { Schedule } from './optimizers/schedule.js'

/** Creates an optimizer of the given parameters. */
export type OptimizerMaker = (parameters: ReadonlyMap<string, tf.Variable>) => Optimizer

/** An optimizer for some of the parameters. */
export interface OptimizerPart {
  /** Matches transformers' parameter names. Default: all. */
  readonly pattern?: RegExp | undefined
  readonly make: OptimizerMaker
}

/** An evaluation during training, on data that the model isn't trained on. */
export interface Evaluator {
  /** Steps between evaluations; the end is always one. Default: only the end. */
  readonly every?: number | undefined
  /** Metrics by name. The model is the one in training: with `ema`, it has the averages. */
  readonly evaluate: () => Promise<Readonly<Record<string, number>>>
}

/** The progress of a training. */
export interface StepReport {
  /** Steps done, this one included. */
  readonly step: number
  /** Steps of the whole training. */
  readonly steps: number
  /** Epoch of the data, from 0. */
  readonly epoch: number
  readonly loss: number
  /** Norm of the gradient before clipping. */
  readonly gradientNorm: number
  /** The factor of the schedule on the learning rate. */
  readonly lrScale: number
  /** Since the training was started or resumed. */
  readonly imagesPerSecond: number
  /** At this rate. */
  readonly secondsLeft: number
}

/** The parts of a processor that training needs: images and texts are prepared as in inference. */
export interface TrainingProcessor {
  readonly imageProcessor: ImageProcessor
  /** Unused for a classifier. */
  readonly tokenizer?: PreTrainedTokenizer | undefined
  /** Its files, which are saved with the weights. */
  toFiles(): ReadonlyMap<string, Uint8Array>
}

/** Options of {@link train}: the model, the data, and the settings. */
export interface TrainOptions extends Omit<PlanOptions, 'dropLast'> {
  /** Both towers, or an image classifier. Its weights are updated in place; it stays the caller's. */
  readonly model: SiglipModel | Siglip2Model | AnyClassifier
  readonly processor: TrainingProcessor
  readonly data: TrainingData
  /** The folder of checkpoints, the trained model in `model/`, and metrics. */
  readonly out: string
  /**
   * The loss of the embeddings; ignored for a classifier, which has its own loss. `'chunked'` is the sigmoid loss with
   * memory linear in the batch size; it ignores equal texts and `matches`. `'softmax'` is noted in `config.json`, so that
   * pipelines rank labels; a function leaves that note as it was, even if it is a softmax. Default: `'sigmoid'`.
   */
  readonly loss?: ContrastiveLossName | ContrastiveLoss | undefined
  /** Number of optimizer steps. Either this or `epochs`. */
  readonly steps?: number | undefined
  /** Number of passes over the data, which is read once before, without its images, to count the steps. */
  readonly epochs?: number | undefined
  /**
   * One optimizer for all parameters, or several: each parameter belongs to the first whose pattern matches, and is not
   * trained if none does. Default: AdamW at 1e-5, without decay on biases and norms.
   */
  readonly optimizer?: OptimizerMaker | readonly OptimizerPart[] | undefined
  /**
   * Adapters of the model: only they and their `modulesToSave` are trained. At the end they are saved in `adapter/`
   * and merged into the model.
   */
  readonly lora?: Lora | undefined
  /** The name of the adapters' base model, written to `adapter/` as by `saveLora`. Default: none. */
  readonly baseModel?: string | undefined
  /** The factor of the learning rate by step. Default: half a cosine after a warm-up of 5 % of the steps. */
  readonly schedule?: ((steps: number) => Schedule) | undefined
  /** Maximum norm of the gradient. Default: 1. */
  readonly clipNorm?: number | undefined
  /** Maximum of the logit scale, clamped after each step, as CLIP's at 100. Default: unbounded. */
  readonly maxLogitScale?: number | undefined
  /** Decay of a moving average of the weights, which is then evaluated and saved instead. Default: none. */
  readonly ema?: number | undefined
  /** The share of an image's patches that a step sees (FLIP), and the share of steps at the end that see all. Default: all. */
  readonly keepPatches?: { readonly share: number; readonly fullShare?: number | undefined } | undefined
  /** Number of micro-batches that a batch is split into, to save memory; divides `batchSize`. Default: 1. */
  readonly microBatches?: number | undefined
  /** Random augmentation of images. Default: none. */
  readonly augmentation?: Augmentation | undefined
  /** The caption of a sample; `random` draws numbers from 0 to below 1. Default: one of its captions, at random. */
  readonly caption?: ((sample: Sample, random: () => number) => string) | undefined
  /**
   * Which other images of a batch match a caption: they are positives of it, too. It is called once for each
   * caption, and its result for each sample. Default: those with the same caption.
   */
  readonly matches?: ((caption: string) => (sample: Sample) => boolean) | undefined
  /**
   * Called with an image that can't be decoded, for data that was not validated before. The next sample of its batch
   * replaces it, and is then in the batch twice, even with `distinct`; the chunked loss treats the two as a negative pair. Default:
   * the training ends with the error.
   */
  readonly onLeftOut?: ((broken: BrokenSample) => void) | undefined
  /** Called once, after the first epoch or at the end, if captions were truncated to the model's length. Default: warns on the console. */
  readonly onTruncated?: OnTruncatedTexts | undefined
  /** Precision of matrix multiplications. Default: `'auto'`. */
  readonly precision?: Precision | undefined
  /** Random seed. Default: 0. */
  readonly seed?: number | undefined
  /** By the names under which their metrics are logged. */
  readonly evaluators?: Readonly<Record<string, Evaluator>> | undefined
  /** Steps between two checkpoints; the end is always one. Default: 1,000. */
  readonly saveEvery?: number | undefined
  /** How many of the newest checkpoints are kept. Default: 2. */
  readonly keepCheckpoints?: number | undefined
  /** Whether to continue from the newest checkpoint in `out`, if there is one. Default: false; then there must be none. */
  readonly resume?: boolean | undefined
  /** Stops after the current step, with a checkpoint. */
  readonly signal?: AbortSignal | undefined
  /** Called after each step. The next one may start as soon as it returns, and then updates the model's weights. */
  readonly onStep?: ((report: StepReport) => void) | undefined
}

/** Options of the contrastive losses, which a classifier does not support. */
export const CONTRASTIVE_OPTIONS = [
  'loss',
  'microBatches',
  'keepPatches',
  'matches',
  'maxLogitScale',
  'caption',
] as const satisfies readonly (keyof TrainOptions)[]

/** An option that only models of two towers support. */
export type ContrastiveOptionName = (typeof CONTRASTIVE_OPTIONS)[number]

/** The result of a training. */
export interface TrainResult {
  /** Steps done, including those before resuming. */
  readonly step: number
  /** Whether the training is complete; otherwise the signal stopped it. */
  readonly isComplete: boolean
  /** The evaluators' metrics at the end, by name. */
  readonly figures: Readonly<Record<string, Readonly<Record<string, number>>>>
  /** The folder of the finished model, or of the checkpoint to continue from. */
  readonly folder: string
}
