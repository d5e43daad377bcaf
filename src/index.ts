/**
 * SigLIP in TypeScript on TensorFlow.js: transformers' classes, names and numbers.
 *
 * From a user's input to a user's answer: {@link pipeline}. The parts of it: {@link SiglipProcessor} ({@link SiglipTokenizer} and
 * {@link SiglipImageProcessor}) makes the inputs of {@link SiglipModel}. Which backend computes: {@link useBackend}.
 *
 * @module
 */
export * from './errors.js'
export type { NdArray } from './nd-array.js'

export { openFolder } from '#open-folder'
export type { CheckpointFolder, CheckpointSource } from './hub/checkpoint-folder.js'
export type { DownloadProgress, Fetch, FetchInit, HubOptions } from './hub/hub-options.js'
export { MemoryFolder } from './hub/memory-folder.js'

export { currentBackend, useBackend } from '#backend'
export {
  describeBackend,
  type BackendName,
  type BackendOptions,
  type BackendPreference,
  type BackendReport,
} from './runtime/backend-report.js'
export type { BackendSelector } from './runtime/backend-selector.js'
export { jit, type JitOptions } from './runtime/jit/jit.js'
export type { Jitted } from './runtime/jit/jitted.js'
export type { Precision } from './runtime/jit/precision.js'

export { AutoTokenizer } from './tokenizer/auto-tokenizer.js'
export { SiglipTokenizer } from './tokenizer/siglip-tokenizer.js'
export { Siglip2Tokenizer } from './tokenizer/siglip2-tokenizer.js'
export type { OnTruncatedTexts, TruncatedTexts } from './tokenizer/truncated-texts.js'
export { PreTrainedTokenizer, type DecodeOptions, type Ids } from './tokenizer/pretrained-tokenizer.js'
export type { Truncation } from './tokenizer/truncation.js'
export type { AddedToken } from './tokenizer/added-token.js'
export type { BatchEncoding } from './tokenizer/batch-encoding.js'
export type { BatchOptions, EncodingOptions } from './tokenizer/encoding-options.js'
export type { CanonicalizeOptions } from './tokenizer/clean/canonicalize.js'
export type { Side, TokenizerConfig } from './tokenizer/tokenizer-config.js'

export { decodeImage, type DecodeOptions as DecodeImageOptions } from './image/decode/decode-image.js'
export type { ImageInput, ReadOptions } from './image/decode/image-input.js'
export type { RawImage } from './image/raw-image.js'
export type { RawPixels, Transparency } from './image/decode/raw-pixels.js'
export { Resampling } from './image/resize/resampling.js'
export { resize, type ResizeBackend, type ResizeOptions } from './image/resize/resize.js'
export type { Size, TargetSize } from './image/resize/target-size.js'
export { AutoImageProcessor } from './image/processors/auto-image-processor.js'
export {
  Siglip2ImageProcessor,
  type NaflexInputs,
  type Siglip2ImageProcessorConfig,
  type Siglip2ImageProcessorOptions,
} from './image/processors/siglip2-image-processor.js'
export {
  SiglipImageProcessor,
  type PixelValues,
  type SiglipImageProcessorConfig,
  type SiglipImageProcessorOptions,
} from './image/processors/siglip-image-processor.js'

export { AutoProcessor } from './processor/auto-processor.js'
export { Processor, type ProcessorImages, type TextInput } from './processor/processor.js'
export { SiglipProcessor } from './processor/siglip-processor.js'
export { Siglip2Processor } from './processor/siglip2-processor.js'

export { AutoConfig, type AnyConfig } from './models/auto/auto-config.js'
export {
  AutoModel,
  AutoModelForImageClassification,
  AutoModelForZeroShotImageClassification,
} from './models/auto/auto-model.js'
export { PretrainedConfig, type Fields } from './models/loading/pretrained-config.js'
export {
  TwoTowerConfig,
  type TwoTowerFields,
  TextConfig,
  VisionConfig,
  SiglipConfig,
  SiglipTextConfig,
  SiglipVisionConfig,
  type SiglipConfigFields,
} from './models/siglip/configuration.js'
export type { ProblemType } from './models/loading/config-fields.js'
export type { Json, JsonObject } from './models/loading/config-reader.js'
export {
  Siglip2Config,
  Siglip2TextConfig,
  Siglip2VisionConfig,
  type Siglip2ConfigFields,
} from './models/siglip2/configuration.js'
export {
  SiglipModel,
  TwoTowerModel,
  type LossOptions,
  type TwoTowerModelOptions,
  type SiglipOutput,
} from './models/siglip/modeling.js'
export {
  Siglip2Model,
  Siglip2TextModel,
  Siglip2VisionModel,
  type Siglip2VisionInputs,
  Siglip2ForImageClassification,
  Siglip2VisionEmbeddings,
  type Siglip2VisionEmbeddingsConfig,
} from './models/siglip2/modeling.js'
export {
  SiglipTextModel,
  TextTower,
  type TextInputs,
  type BaseModelOutputWithPooling,
  SiglipTextEmbeddings,
  type TextEmbeddingsConfig,
} from './models/siglip/text-model.js'
export {
  VisionTower,
  SiglipVisionModel,
  type SiglipVisionInputs,
  type SiglipVisionOptions,
  SiglipMultiheadAttentionPoolingHead,
  SiglipVisionEmbeddings,
  type VisionEmbeddingsConfig,
  type VisionModelOutput,
} from './models/siglip/vision-model.js'
export {
  SiglipForImageClassification,
  ImageClassifier,
  type LabelOptions,
  type ImageClassifierOutput,
} from './models/siglip/image-classification.js'
export { PreTrainedModel, type ModelOptions } from './models/loading/pre-trained-model.js'
export type { LoadingInfo } from './models/loading/compare-weights.js'
export type { WeightFilesOptions } from '../converters/formats/weight-files.js'
export type { FileContent } from './io/save-folder.js'
export type { LoadOptions, ModelClass } from './models/loading/load-pretrained.js'
export type { TensorInput } from './runtime/tensor-input.js'

export {
  Module,
  Parameter,
  ParameterScope,
  type LayerOptions,
  type ParameterSource,
  type ParameterSpec,
} from './layers/module.js'
export type { Initializer } from './layers/initializers.js'
export {
  SiglipAttention,
  type AttentionConfig,
  type EncoderConfig,
  type RunOptions as LayerRunOptions,
} from './layers/attention.js'
export {
  SiglipEncoder,
  type EncoderOptions,
  type EncoderOutput,
  SiglipEncoderLayer,
  SiglipMLP,
  type MlpConfig,
} from './layers/encoder.js'

export type { PairOptions } from './training/pair-options.js'
export { sigmoidLoss, type LossInputs } from './training/sigmoid-loss.js'
export { chunkedSigmoidLoss, type ChunkOptions } from './training/chunked-sigmoid-loss.js'
export { softmaxLoss } from './training/softmax-loss.js'
export { clampLogitScale } from './training/clamp-logit-scale.js'
export { Optimizer, type OptimizerOptions, type Turn, type UpdateRule } from './training/optimizer.js'
export { AdamW, type AdamWOptions } from './training/adamw.js'
export { Lion, type LionOptions } from './training/lion.js'
export { Adafactor, type AdafactorOptions } from './training/adafactor.js'
export { Muon, type MuonOptions } from './training/muon.js'
export { SGD, type SGDOptions } from './training/sgd.js'
export { headOnly, lockedImage, noDecay, type ParameterGroup } from './training/parameter-group.js'
export {
  constantSchedule,
  cosineSchedule,
  rsqrtSchedule,
  type Schedule,
  type ScheduleOptions,
} from './training/schedule.js'
export { clipByGlobalNorm, type ClippedGradients } from './training/clip-by-global-norm.js'
export { ExponentialAverage } from './training/exponential-average.js'
export { accumulatedGradients, type AccumulatedOptions } from './training/accumulated-gradients.js'
export { Lora, type LoraAdapter, type WholeModules } from './training/lora.js'
export { addLora, type LoraOptions } from './training/add-lora.js'
export { mergeLora } from './training/merge-lora.js'
export { saveLora, type SaveLoraOptions } from './training/save-lora.js'
export { loadLora } from './training/load-lora.js'
export {
  captionOf,
  sampleBatches,
  type BatchesOptions,
  type Position,
  type Pool,
  type SampleBatch,
  type SeededSample,
} from './training/data/batches.js'
export { streamedData } from './training/data/streamed-data.js'
export { listedData, type Sample, type TrainingData } from './training/data/sample.js'
export type { PlanOptions } from './training/data/batch-plan.js'
export { Linear, type Adapter, type LinearSettings } from './layers/linear.js'

export {
  retrievalRecall,
  type Recall,
  type RetrievalInput,
  type RetrievalRecall,
} from './training/evaluators/retrieval-recall.js'
export { classPrompts, zeroShotAccuracy, type ZeroShotInput } from './training/evaluators/zero-shot-accuracy.js'
export { topAccuracy } from './training/evaluators/top-accuracy.js'
export { promptSets } from './training/evaluators/prompt-sets.js'
export {
  classificationReport,
  type ClassificationReport,
  type ClassReport,
} from './training/evaluators/classification-report.js'
export type { MatrixInput } from './training/evaluators/matrix-input.js'
export { confusionImage } from './training/evaluators/confusion-image.js'
export {
  averagePrecision,
  meanAveragePrecision,
  type MeanAveragePrecision,
} from './training/evaluators/average-precision.js'

export { pipeline, type Pipelines, type Task } from './pipelines/pipeline.js'
export type { PipelineOptions } from './pipelines/pipeline-options.js'
export type { ComputeOptions } from './pipelines/batch-function.js'
export type { OneImage, PipelineCall, PipelineResources } from './pipelines/pipeline-call.js'
export type { Progress, RunOptions } from './pipelines/run-batches.js'
export { embedImages, embedTexts, type EmbedOptions } from './pipelines/embedder.js'
export type { FeatureExtractionOptions, FeatureExtractionPipeline } from './pipelines/feature-extraction.js'
export type {
  ClassScore,
  ImageClassificationOptions,
  ImageClassificationPipeline,
} from './pipelines/image-classification.js'
export type {
  ImageFeatureExtractionOptions,
  ImageFeatureExtractionPipeline,
} from './pipelines/image-feature-extraction.js'
export type {
  LabelScore,
  ZeroShotImageClassificationPipeline,
  ZeroShotOptions,
} from './pipelines/zero-shot-image-classification.js'
export { evaluateRetrieval, recallFigures, type EvaluateRetrievalOptions } from './pipelines/evaluate-retrieval.js'
export { evaluateZeroShot, type EvaluateZeroShotOptions } from './pipelines/evaluate-zero-shot.js'
export { evaluateClassifier, evaluateMultiLabel, type EvaluatedClassifier } from './pipelines/evaluate-classifier.js'
export { allSamples, type EvaluatedModel, type EvaluateOptions } from './pipelines/evaluated-model.js'
export type { Augmentation, Range } from './image/augment/augmentation.js'
