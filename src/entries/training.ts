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
export type { PairOptions } from '../training/pair-options.js'
export { sigmoidLoss, type LossInputs } from '../training/sigmoid-loss.js'
export { chunkedSigmoidLoss, type ChunkOptions } from '../training/chunked-sigmoid-loss.js'
export { softmaxLoss } from '../training/softmax-loss.js'
export { clampLogitScale } from '../training/clamp-logit-scale.js'
export { Optimizer, type OptimizerOptions, type Turn, type UpdateRule } from '../training/optimizer.js'
export { AdamW, type AdamWOptions } from '../training/adamw.js'
export { Lion, type LionOptions } from '../training/lion.js'
export { Adafactor, type AdafactorOptions } from '../training/adafactor.js'
export { Muon, type MuonOptions } from '../training/muon.js'
export { SGD, type SGDOptions } from '../training/sgd.js'
export { headOnly, lockedImage, noDecay, type ParameterGroup } from '../training/parameter-group.js'
export {
  constantSchedule,
  cosineSchedule,
  rsqrtSchedule,
  type Schedule,
  type ScheduleOptions,
} from '../training/schedule.js'
export { clipByGlobalNorm, type ClippedGradients } from '../training/clip-by-global-norm.js'
export { ExponentialAverage } from '../training/exponential-average.js'
export { accumulatedGradients, type AccumulatedOptions } from '../training/accumulated-gradients.js'
export { Lora, type LoraAdapter, type WholeModules } from '../training/lora.js'
export { addLora, type LoraOptions } from '../training/add-lora.js'
export { mergeLora } from '../training/merge-lora.js'
export { saveLora, type SaveLoraOptions } from '../training/save-lora.js'
export { loadLora } from '../training/load-lora.js'
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
} from '../training/evaluators/retrieval-recall.js'
export { classPrompts, zeroShotAccuracy, type ZeroShotInput } from '../training/evaluators/zero-shot-accuracy.js'
export { topAccuracy } from '../training/evaluators/top-accuracy.js'
export { promptSets } from '../training/evaluators/prompt-sets.js'
export {
  classificationReport,
  type ClassificationReport,
  type ClassReport,
} from '../training/evaluators/classification-report.js'
export type { MatrixInput } from '../training/evaluators/matrix-input.js'
export { confusionImage } from '../training/evaluators/confusion-image.js'
export {
  averagePrecision,
  meanAveragePrecision,
  type MeanAveragePrecision,
} from '../training/evaluators/average-precision.js'
export type { Augmentation, Range } from '../image/augment/augmentation.js'
