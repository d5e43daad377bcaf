import * as tf from '@tensorflow/tfjs'
import { InputError } from '../../../src/errors.js'
import { retrievalRecall } from '../../../src/training/metrics/retrieval-recall.js'
import { cases, matrix } from './reference.js'

const { images, texts, owner, image_to_text, text_to_image } = cases.retrieval

it('is what numpy counts, with five captions an image', async () => {
  const found = await retrievalRecall({ imageEmbeds: matrix(images), textEmbeds: matrix(texts), textKeys: owner })
  expect(found.imageToText.queries).toBe(20)
  expect(found.textToImage.queries).toBe(100)
  for (const k of [1, 5, 10]) {
    expect(found.imageToText.recall[k]).toBeCloseTo(image_to_text[k] ?? NaN, 12)
    expect(found.textToImage.recall[k]).toBeCloseTo(text_to_image[k] ?? NaN, 12)
  }
})

it('takes tensors, and leaves none behind', async () => {
  const [imageEmbeds, textEmbeds] = [tf.eye(4), tf.eye(4)]
  const before = tf.memory().numTensors
  const { imageToText } = await retrievalRecall({ imageEmbeds, textEmbeds, ks: [1] })
  expect(imageToText.recall).toEqual({ 1: 1 })
  expect(tf.memory().numTensors).toBe(before)
  tf.dispose([imageEmbeds, textEmbeds])
})

it('a model that says the same of everything finds what chance finds', async () => {
  const same = matrix(Array.from({ length: 20 }, () => [1, 0]))
  const { imageToText } = await retrievalRecall({ imageEmbeds: same, textEmbeds: same })
  expect(imageToText.recall[1]).toBeCloseTo(1 / 20, 12)
  expect(imageToText.recall[10]).toBeCloseTo(1 / 2, 12)
})

it('does not count queries that nothing goes with', async () => {
  const { textToImage, imageToText } = await retrievalRecall({
    imageEmbeds: matrix([[1, 0]]),
    textEmbeds: matrix([
      [1, 0],
      [0, 1],
    ]),
    imageKeys: ['cat'],
    textKeys: ['cat', 'dog'],
    ks: [1],
  })
  expect([textToImage, imageToText]).toEqual([
    { recall: { 1: 1 }, queries: 1 },
    { recall: { 1: 1 }, queries: 1 },
  ])
})

it.each([
  ['sizes', { imageEmbeds: matrix([[1]]), textEmbeds: matrix([[1, 2]]) }],
  ['numbers', { imageEmbeds: matrix([[NaN]]), textEmbeds: matrix([[1]]) }],
  ['keys', { imageEmbeds: matrix([[1]]), textEmbeds: matrix([[1]]), textKeys: ['a', 'b'] }],
  ['ks', { imageEmbeds: matrix([[1]]), textEmbeds: matrix([[1]]), ks: [0] }],
])('refuses bad %s', async (_, input) => {
  await expect(retrievalRecall(input)).rejects.toThrow(InputError)
})
