import * as tf from '@tensorflow/tfjs'
import { InputError } from '../../src/errors.js'
import { Siglip2VisionModel } from '../../src/models/siglip2-vision-model.js'
import { onEachBackend } from '../backends.js'

onEachBackend(() => {
  let model: Siglip2VisionModel
  beforeAll(() => {
    const tower = { hiddenSize: 12, intermediateSize: 20, numHiddenLayers: 1, numAttentionHeads: 3 }
    model = new Siglip2VisionModel({ ...tower, patchSize: 2, numPatches: 4 }, { seed: 1 })
  })
  afterAll(() => {
    model.dispose()
  })

  const inputs = (pixels: number[], mask: number[], sides: number[]) => ({
    pixelValues: tf.zeros(pixels),
    pixelAttentionMask: tf.ones(mask, 'int32'),
    spatialShapes: tf.fill(sides, 2, 'int32'),
  })
  it.each([
    ['no pictures', [0, 4, 12], [0, 4], [0, 2], /pixelValues: .*found \[0, 4, 12\]/],
    ['sides of another rank', [1, 4, 12], [1, 4], [1, 2, 1], /spatialShapes/],
    ['a mask of another rank', [1, 4, 12], [1, 4, 1], [1, 2], /pixelAttentionMask/],
  ])('refuses %s, and says what makes the inputs', (_, pixels, mask, sides, message) => {
    tf.tidy(() => {
      const forward = () => model.forward(inputs(pixels, mask, sides))
      expect(forward).toThrow(InputError)
      expect(forward).toThrow(message)
      expect(forward).toThrow(/Siglip2ImageProcessor makes them/)
    })
  })
})
