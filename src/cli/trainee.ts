import type { CheckpointFolder } from '../hub/checkpoint-folder.js'
import type { Siglip2Model } from '../models/siglip2/modeling.js'
import type { SiglipModel } from '../models/siglip/modeling.js'
import type { AnyClassifier } from '../training/classification-objective.js'
import type { OnTruncatedTexts } from '../tokenizer/truncated-texts.js'
import type { TrainingData } from '../training/data/sample.js'
import { isOfClasses } from '../training/losses/loss-names.js'
import type { TrainingProcessor } from '../training/train-options.js'
import type { Session } from './session.js'
import { truncationReporter } from './truncation-reporter.js'
import type { TrainingSettings } from './training-settings.js'

/** The model to train, and its evaluation. */
export interface Trainee {
  readonly model: SiglipModel | Siglip2Model | AnyClassifier
  readonly processor: TrainingProcessor
  /** @throws {InputError} for classes that the model hasn't */
  readonly check: (data: TrainingData) => Promise<void>
  readonly evaluate: (data: TrainingData, session: Session) => Promise<Readonly<Record<string, number>>>
}

/** Loads the model that the loss is for; a classifier gets the classes of the data. */
export async function trainee(
  { loss, precision, seed }: TrainingSettings,
  checkpoint: CheckpointFolder,
  data: TrainingData,
): Promise<Trainee> {
  const { allSamples } = await import('../pipelines/evaluated-model.js')
  if (!isOfClasses(loss)) {
    const { AutoModelForZeroShotImageClassification } = await import('../models/auto/auto-model.js')
    const { AutoProcessor } = await import('../processor/auto-processor.js')
    const { evaluateRetrieval, recallFigures } = await import('../pipelines/evaluate-retrieval.js')
    const processor = await AutoProcessor.fromPretrained(checkpoint)
    const model = await AutoModelForZeroShotImageClassification.fromPretrained(checkpoint)
    let onTruncated: OnTruncatedTexts | undefined
    const evaluate: Trainee['evaluate'] = async (seen, session) => {
      onTruncated ??= truncationReporter(session)
      const run = { precision, signal: session.signal, onTruncated }
      return recallFigures(await evaluateRetrieval({ model, processor }, await allSamples(seen), run))
    }
    return { model, processor, check: () => Promise.resolve(), evaluate }
  }
  const { accuracyFigure, evaluateClassifier, evaluateMultiLabel, precisionFigure } =
    await import('../pipelines/evaluate-classifier.js')
  const { classifierFor } = await import('../pipelines/train-classifier.js')
  const { classTargets } = await import('../training/classification-objective.js')
  const several = loss === 'multi-label'
  const problemType = several ? 'multi_label_classification' : 'single_label_classification'
  const { model, processor } = await classifierFor(checkpoint, await allSamples(data), { problemType, seed })
  const check: Trainee['check'] = async (seen) => void classTargets(model.config, await allSamples(seen))
  const evaluate: Trainee['evaluate'] = async (seen, { signal }) => {
    const samples = await allSamples(seen)
    const run = { precision, signal }
    return several
      ? precisionFigure(await evaluateMultiLabel({ model, processor }, samples, run))
      : accuracyFigure(await evaluateClassifier({ model, processor }, samples, run))
  }
  return { model, processor, check, evaluate }
}
