/**
 * SigLIP in TypeScript on TensorFlow.js: transformers' classes, names and numbers.
 *
 * From a user's input to a user's answer: {@link pipeline}. The parts of it: {@link SiglipProcessor} ({@link SiglipTokenizer} and
 * {@link SiglipImageProcessor}) makes the inputs of {@link SiglipModel}. Which backend computes: {@link useBackend}.
 *
 * @module
 */
export * from './entries/image.js'
export * from './entries/jit.js'
export * from './entries/tokenizer.js'
export * from './entries/training.js'

export { openFolder } from '#open-folder'
export { MemoryFolder } from './hub/memory-folder.js'
export { currentBackend, useBackend } from '#backend'
export {
  describeBackend,
  type BackendName,
  type BackendOptions,
  type BackendPreference,
  type BackendReport,
} from './backend/backend-report.js'
export type { BackendSelector } from './backend/backend-selector.js'
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
export type { Json, JsonObject } from './io/field-reader.js'
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
export { Siglip2Model, Siglip2TextModel, Siglip2ForImageClassification } from './models/siglip2/modeling.js'
export {
  Siglip2VisionModel,
  type Siglip2VisionInputs,
  Siglip2VisionEmbeddings,
  type Siglip2VisionEmbeddingsConfig,
} from './models/siglip2/vision-model.js'
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
export type { ConfigClass, LoadOptions, ModelClass } from './models/loading/load-pretrained.js'
export type { TensorInput } from './backend/tensor-input.js'
export {
  Module,
  Parameter,
  ParameterScope,
  type LayerOptions,
  type ParameterSource,
  type ParameterSpec,
} from './layers/module.js'
export type { Initializer } from './layers/initializers.js'
export { SiglipAttention, type AttentionConfig, type EncoderConfig, type LayerRunOptions } from './layers/attention.js'
export {
  SiglipEncoder,
  type EncoderOptions,
  type EncoderOutput,
  SiglipEncoderLayer,
  SiglipMLP,
  type MlpConfig,
} from './layers/encoder.js'
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
