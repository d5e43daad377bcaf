import path from 'node:path'
import { saveFile } from '../../converters/save-folder.js'
import type { EvaluatedClassifier } from '../pipelines/evaluate-classifier.js'
import type { TrainingData } from '../training/data/sample.js'
import type { Session } from './session.js'

/** Writes `confusion.svg`: which classes a classifier takes for which. Of several labels there is none. */
export async function drawConfusion(
  out: string,
  classifier: EvaluatedClassifier,
  data: TrainingData,
  session: Session,
): Promise<void> {
  const { config } = classifier.model
  if (config.problemType === 'multi_label_classification') return
  const { evaluateClassifier } = await import('../pipelines/evaluate-classifier.js')
  const { allSamples } = await import('../pipelines/evaluated-model.js')
  const { confusionPicture } = await import('../training/evaluators/confusion-picture.js')
  const report = await evaluateClassifier(classifier, await allSamples(data), { signal: session.signal })
  const names = report.confusion.map((_, i) => config.label(i))
  const file = path.join(out, 'confusion.svg')
  await saveFile(file, new TextEncoder().encode(confusionPicture(report.confusion, names)))
  session.say(`${file}: accuracy ${report.accuracy.toFixed(4)}`)
}
