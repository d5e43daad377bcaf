import type * as tf from '@tensorflow/tfjs'
import type { Augmentation } from '../image/augment/augmentation.js'
import type { ImageProcessor } from '../image/processors/image-preparer.js'
import type { Siglip2Model } from '../models/siglip2/modeling.js'
import type { SiglipModel } from '../models/siglip/modeling.js'
import type { Precision } from '../jit/precision.js'
import type { PreTrainedTokenizer } from '../tokenizer/pretrained-tokenizer.js'
import type { OnTruncatedTexts } from '../tokenizer/truncated-texts.js'
import type { AnyClassifier } from './classification-objective.js'
import type { ContrastiveLoss, contrastiveLosses } from './contrastive-objective.js'
import type { BrokenSample } from './data/broken-sample.js'
import type { PlanOptions } from './data/batch-plan.js'
import type { Sample, TrainingData } from './data/sample.js'
import type { Lora } from './lora/lora.js'
import type { Optimizer } from './optimizers/optimizer.js'
import type { Schedule } from './optimizers/schedule.js'

/** Makes an optimizer of the parameters that are its own. */
export type OptimizerMaker = (parameters: ReadonlyMap<string, tf.Variable>) => Optimizer

/** An optimizer of some of the parameters. */
export interface OptimizerPart {
  /** Of names as transformers has them. Default: all. */
  readonly pattern?: RegExp | undefined
  readonly make: OptimizerMaker
}

/** Something that is measured now and then: how well the model does on data that it isn't trained on. */
export interface Evaluator {
  /** Steps between two measurements; the end is always one. Default: only the end. */
  readonly every?: number | undefined
  /** Figures by their names. The model is the one in training: with `ema`, it has the averages. */
  readonly evaluate: () => Promise<Readonly<Record<string, number>>>
}

/** Where a training is. */
export interface StepReport {
  /** Steps done, this one included. */
  readonly step: number
  /** Of the whole training. */
  readonly steps: number
  /** Epoch of the data, from 0. */
  readonly epoch: number
  readonly loss: number
  /** Length of the gradient before clipping. */
  readonly gradientNorm: number
  /** The factor of the schedule on the learning rate. */
  readonly lrScale: number
  /** Since the training was started or resumed. */
  readonly imagesPerSecond: number
  /** At this rate. */
  readonly secondsLeft: number
}

/** What is kept of a processor: images and texts are prepared as they will be when the model is used. */
export interface TrainingProcessor {
  readonly imageProcessor: ImageProcessor
  /** Not needed for a classifier. */
  readonly tokenizer?: PreTrainedTokenizer | undefined
  /** Its files, to be saved with the weights. */
  toFiles(): ReadonlyMap<string, Uint8Array>
}

/** What is trained, on what, and how. */
export interface TrainOptions extends Omit<PlanOptions, 'dropLast'> {
  /** Both towers, or one with a classifier. It is changed, and stays the caller's. */
  readonly model: SiglipModel | Siglip2Model | AnyClassifier
  readonly processor: TrainingProcessor
  readonly data: TrainingData
  /** Where checkpoints, the finished model in `model/`, and metrics go. */
  readonly out: string
  /**
   * How the model's embeddings are judged; of no effect for a classifier, which has its own loss. `'chunked'` is the sigmoid loss with
   * memory linear in the batch; texts that say the same, and `matches`, it doesn't see. Default: `'sigmoid'`.
   */
  readonly loss?: keyof typeof contrastiveLosses | ContrastiveLoss | undefined
  /** How long, in steps. Either this or `epochs`. */
  readonly steps?: number | undefined
  /** How long, in rounds through the data. It is gone through once before, without its images, to count the steps. */
  readonly epochs?: number | undefined
  /**
   * What moves the parameters: one optimizer of all, or several, each parameter being the first's that names it; of no one's, it
   * stays as it is. Default: AdamW at 1e-5, without decay on biases and norms.
   */
  readonly optimizer?: OptimizerMaker | readonly OptimizerPart[] | undefined
  /**
   * Adapters of the model, which are trained then, with their whole modules, and nothing else. At the end they are saved in `adapter/`,
   * and merged.
   */
  readonly lora?: Lora | undefined
  /** The model that the adapters belong on, to be named in `adapter/`, as `saveLora` does. Default: none is named. */
  readonly baseModel?: string | undefined
  /** The share of the learning rate by step. Default: half a cosine after a warm-up of a twentieth. */
  readonly schedule?: ((steps: number) => Schedule) | undefined
  /** The longest that the gradient may be. Default: 1. */
  readonly clipNorm?: number | undefined
  /** The most that cosines are multiplied by; their scale is clamped after each step, as CLIP's at 100. Default: no bound. */
  readonly maxLogitScale?: number | undefined
  /** Decay of a moving average of the weights, which is what is evaluated and saved then. Default: none. */
  readonly ema?: number | undefined
  /** How many of an image's patches are seen (FLIP), and for which part of the steps at the end all are. Default: all. */
  readonly keepPatches?: { readonly share: number; readonly fullShare?: number | undefined } | undefined
  /** How many micro-batches a batch goes through the towers in, one after the other, if memory is short; divides `batchSize`. Default: 1. */
  readonly microBatches?: number | undefined
  /** How images are changed at random. Default: not at all. */
  readonly augmentation?: Augmentation | undefined
  /** The caption of a sample; `random` draws numbers from 0 to below 1. Default: one of its captions, at random. */
  readonly caption?: ((sample: Sample, random: () => number) => string) | undefined
  /**
   * Which other images of a batch a caption goes with, beside its own: they are positives of it, too. It is called once for each
   * caption, and its answer for each sample. Default: those of which the same is said.
   */
  readonly matches?: ((caption: string) => (sample: Sample) => boolean) | undefined
  /**
   * Called with an image that can't be decoded whenever its turn comes, of data that was not looked at before. The next sample of its
   * batch is taken for it, which is then there twice, also with `distinct`; the chunked loss takes the two for a negative pair. Default:
   * the training ends with the error.
   */
  readonly onLeftOut?: ((broken: BrokenSample) => void) | undefined
  /** Called once, after the first epoch or at the end, if captions were cut to what the model takes. Default: warns on the console. */
  readonly onTruncated?: OnTruncatedTexts | undefined
  /** What matrices are multiplied in. Default: `'auto'`. */
  readonly precision?: Precision | undefined
  /** Every order and every random choice follows from it. Default: 0. */
  readonly seed?: number | undefined
  /** By the names under which their figures are logged. */
  readonly evaluators?: Readonly<Record<string, Evaluator>> | undefined
  /** Steps between two checkpoints; the end is always one. Default: 1,000. */
  readonly saveEvery?: number | undefined
  /** So many of the newest checkpoints stay. Default: 2. */
  readonly keepCheckpoints?: number | undefined
  /** Whether to continue from the newest checkpoint in `out`, if there is one. Default: false; then there must be none. */
  readonly resume?: boolean | undefined
  /** Stops after the step that runs, with a checkpoint. */
  readonly signal?: AbortSignal | undefined
  /** Called after each step. The next one may begin as soon as it returns, and then writes the model's weights. */
  readonly onStep?: ((report: StepReport) => void) | undefined
}

/** How a training ended. */
export interface TrainResult {
  /** Steps done, those before it was resumed included. */
  readonly step: number
  /** Whether these are all; else the signal stopped it. */
  readonly isComplete: boolean
  /** What the evaluators measured at the end, by their names. */
  readonly figures: Readonly<Record<string, Readonly<Record<string, number>>>>
  /** The folder of the finished model, or of the checkpoint to continue from. */
  readonly folder: string
}
