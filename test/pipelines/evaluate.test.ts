import * as tf from '@tensorflow/tfjs'
import { ConfigError, InputError } from '../../src/errors.js'
import { SiglipForImageClassification } from '../../src/models/siglip/image-classification.js'
import { SiglipModel } from '../../src/models/siglip/modeling.js'
import { evaluateClassifier, evaluateMultiLabel } from '../../src/pipelines/evaluate-classifier.js'
import { evaluateRetrieval, recallFigures } from '../../src/pipelines/evaluate-retrieval.js'
import { evaluateZeroShot } from '../../src/pipelines/evaluate-zero-shot.js'
import { allSamples } from '../../src/pipelines/evaluated-model.js'
import { SiglipProcessor } from '../../src/processor/siglip-processor.js'
import { streamedData } from '../../src/training/data/streamed-data.js'
import { onEachBackend } from '../backends.js'
import { fixturePath } from '../fixture.js'
import { colourNames, colourSamples } from '../training/colours.js'

const checkpoint = fixturePath('siglip-tiny')

/** The share of rows in which a right column is among the k highest. */
function shareWithin(
  k: number,
  scores: readonly (readonly number[])[],
  isRight: (row: number, column: number) => boolean,
) {
  const found = scores.filter((row, i) => {
    const order = row.map((_, j) => j).sort((a, b) => row[b]! - row[a]!)
    return order.slice(0, k).some((j) => isRight(i, j))
  })
  return found.length / scores.length
}

onEachBackend(() => {
  it('evaluates both towers as their logits say', async () => {
    const model = await SiglipModel.fromPretrained(checkpoint)
    const processor = await SiglipProcessor.fromPretrained(checkpoint)
    // Each colour once: images that are nearly the same have scores that are nearly the same.
    const samples = colourSamples.filter((_, i) => i % 4 === 0)
    const images = samples.map(({ open }) => open())
    const logitsOf = async (text: readonly string[]) => {
      const inputs = await processor.call({ text, images }, { maxLength: 16 })
      return tf.tidy(() => model.forward(inputs).logitsPerImage.arraySync())
    }
    const texts = [...samples.flatMap(({ captions }) => captions), 'a dog']
    const perImage = await logitsOf(texts)
    const perText = texts.map((_, j) => perImage.map((row) => row[j]!)).slice(0, -1)
    const figures = recallFigures(
      await evaluateRetrieval({ model, processor }, samples, { distractors: ['a dog'], ks: [1, 3], batchSize: 4 }),
    )
    for (const k of [1, 3]) {
      expect(figures[`image-to-text R@${k}`]).toBeCloseTo(
        shareWithin(k, perImage, (i, j) => Math.floor(j / 2) === i),
        6,
      )
      expect(figures[`text-to-image R@${k}`]).toBeCloseTo(
        shareWithin(k, perText, (i, j) => Math.floor(i / 2) === j),
        6,
      )
    }
    const perClass = await logitsOf([...colourNames].sort().map((name) => `a ${name} square`))
    const top = await evaluateZeroShot({ model, processor }, samples, { templates: ['a {} square'], ks: [2] })
    const isRight = (i: number, j: number) => [...colourNames].sort()[j] === samples[i]!.label
    expect(top[2]).toBeCloseTo(shareWithin(2, perClass, isRight), 6)
    const unnamed = samples.map(({ key, open, captions }) => ({ key, open, captions }))
    await expect(evaluateZeroShot({ model, processor }, unnamed)).rejects.toThrow(InputError)
    model.dispose()
  })

  it('evaluates classifiers of one class and of several', async () => {
    const { imageProcessor } = await SiglipProcessor.fromPretrained(checkpoint)
    const vision = {
      hiddenSize: 12,
      intermediateSize: 20,
      numHiddenLayers: 1,
      numAttentionHeads: 3,
      imageSize: 32,
      patchSize: 16,
    }
    const id2label = Object.fromEntries(colourNames.entries())
    const samples = await allSamples(streamedData(() => colourSamples, 7))
    expect(samples).toEqual(colourSamples)
    for (const problemType of ['single_label_classification', 'multi_label_classification'] as const) {
      const model = new SiglipForImageClassification({ visionConfig: vision, id2label, problemType }, { seed: 1 })
      const classifier = { model, processor: { imageProcessor } }
      const captioned = samples.map((sample) => ({ ...sample, captions: [sample.label!] }))
      const isSingle = problemType === 'single_label_classification'
      const [right, wrong] = isSingle
        ? [evaluateClassifier, evaluateMultiLabel]
        : [evaluateMultiLabel, evaluateClassifier]
      const report = await right(classifier, captioned)
      // At random, no more is known than chance gives; and everything is counted.
      expect(report.classes).toHaveLength(6)
      if ('accuracy' in report) expect(report.classes.map(({ support }) => support)).toEqual(Array(6).fill(4))
      await expect(wrong(classifier, captioned)).rejects.toThrow(ConfigError)
      await expect(right(classifier, [{ ...captioned[0]!, label: 'pink', captions: ['pink'] }])).rejects.toThrow(
        /"pink"/,
      )
      model.dispose()
    }
  })
})
