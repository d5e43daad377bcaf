/**
 * What only Node can do: setting the native backend up, the cache of the hub, converting checkpoint folders, exporting models as graphs,
 * data to train on, files for TensorBoard.
 *
 * @module
 */
export { setup, type SetupOptions, type SetupReport } from './setup/setup.js'
export { doctor, formatDoctor, type DoctorReport, type NativeState } from './setup/doctor.js'
export type { SetupProgress } from './setup/setup-progress.js'
export type { ProcessorInfo } from './backend/cpu.js'

export { ImageFolder, type ImageFolderOptions } from './training/data/image-folder.js'
export { WebDataset, type WebDatasetOptions } from './training/data/web-dataset.js'
export {
  BrokenDataError,
  formatBroken,
  type Breakage,
  type BrokenSample,
  type OnBroken,
} from './training/data/broken-sample.js'
export { EventFile, type EventFileOptions } from './training/tensorboard/event-file.js'
export { MetricsFile, type Metrics } from './training/tensorboard/metrics-file.js'

export { downloadModel, type DownloadOptions } from './hub/download-model.js'
export { listCache, type CacheEntry } from './hub/list-cache.js'
export { pruneCache, type Unreferenced } from './hub/prune-cache.js'
export { verifyCache, type VerifiedFile, type VerifyOptions } from './hub/verify-cache.js'

export type { EngineInfo } from './backend/engine/engine-core.js'
export { exportOnnx, exportSavedModel } from './export/export-model.js'
export { convertCheckpoint, type Conversion, type ConvertOptions } from '../converters/convert-checkpoint.js'
export type { Naming } from '../converters/names/naming.js'
export type { Tower } from '../converters/names/tower-names.js'

export { train, Trainer } from './training/trainer.js'
export type { TrainConfig } from './training/train-config.js'
export type {
  Evaluator,
  OptimizerMaker,
  OptimizerPart,
  StepReport,
  TrainingProcessor,
  TrainOptions,
  TrainResult,
  ContrastiveOptionName,
} from './training/train-options.js'
export type { ContrastiveLossName } from './training/losses/loss-names.js'
export type { ContrastiveLoss, LossContext } from './training/contrastive-objective.js'
export type { AnyClassifier } from './training/classification-objective.js'
export { trainClassifier, type TrainClassifierOptions, type TrainedClassifier } from './pipelines/train-classifier.js'
