/**
 * Training in any environment: losses, optimizers, schedules, LoRA, batches and evaluators. Trainers, which read folders and write
 * checkpoints, are in `siglip-tfjs/node`.
 *
 * @example
 * ```ts
 * import { AdamW, cosineSchedule, sigmoidLoss } from 'siglip-tfjs/training'
 * ```
 *
 * @module
 */
export type { PairOptions } from '../training/losses/pair-options.js'
export { sigmoidLoss, type LossInputs } from '../training/losses/sigmoid-loss.js'
export { chunkedSigmoidLoss, type ChunkOptions } from '../training/losses/chunked-sigmoid-loss.js'
export { softmaxLoss } from '../training/losses/softmax-loss.js'
export { clampLogitScale } from '../training/losses/clamp-logit-scale.js'
export { Optimizer, type OptimizerOptions, type Turn, type UpdateRule } from '../training/optimizers/optimizer.js'
export { AdamW, type AdamWOptions } from '../training/optimizers/adamw.js'
export { Lion, type LionOptions } from '../training/optimizers/lion.js'
export { Adafactor, type AdafactorOptions } from '../training/optimizers/adafactor.js'
export { Muon, type MuonOptions } from '../training/optimizers/muon.js'
export { SGD, type SGDOptions } from '../training/optimizers/sgd.js'
export { headOnly, lockedImage, noDecay, type ParameterGroup } from '../training/optimizers/parameter-group.js'
export {
  constantSchedule,
  cosineSchedule,
  rsqrtSchedule,
  type Schedule,
  type ScheduleOptions,
} from '../training/optimizers/schedule.js'
export { clipByGlobalNorm, type ClippedGradients } from '../training/optimizers/clip-by-global-norm.js'
export { ExponentialAverage } from '../training/optimizers/exponential-average.js'
export { accumulatedGradients, type AccumulatedOptions } from '../training/optimizers/accumulated-gradients.js'
export { Lora, type LoraAdapter, type WholeModules } from '../training/lora/lora.js'
export { addLora, type LoraOptions } from '../training/lora/add-lora.js'
export { mergeLora } from '../training/lora/merge-lora.js'
export { saveLora, type SaveLoraOptions } from '../training/lora/save-lora.js'
export { loadLora } from '../training/lora/load-lora.js'
export {
  captionOf,
  sampleBatches,
  type BatchesOptions,
  type Position,
  type Pool,
  type SampleBatch,
  type SeededSample,
} from '../training/data/batches.js'
export { streamedData } from '../training/data/streamed-data.js'
export { listedData, type Sample, type TrainingData } from '../training/data/sample.js'
export type { PlanOptions } from '../training/data/batch-plan.js'
export { Linear, type Adapter, type LinearSettings } from '../layers/linear.js'
export {
  retrievalRecall,
  type Recall,
  type RetrievalInput,
  type RetrievalRecall,
} from '../training/metrics/retrieval-recall.js'
export { classPrompts, zeroShotAccuracy, type ZeroShotInput } from '../training/metrics/zero-shot-accuracy.js'
export { topAccuracy } from '../training/metrics/top-accuracy.js'
export { promptSets } from '../training/metrics/prompt-sets.js'
export {
  classificationReport,
  type ClassificationReport,
  type ClassReport,
} from '../training/metrics/classification-report.js'
export type { MatrixInput } from '../training/metrics/matrix-input.js'
export { confusionImage } from '../training/metrics/confusion-image.js'
export {
  averagePrecision,
  meanAveragePrecision,
  type MeanAveragePrecision,
} from '../training/metrics/average-precision.js'
export type { Augmentation, Range } from '../image/augment/augmentation.js'
