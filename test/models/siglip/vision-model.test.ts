import * as tf from '@tensorflow/tfjs'
import { InputError } from '../../../src/errors.js'
import { SiglipVisionModel } from '../../../src/models/siglip/vision-model.js'
import { onEachBackend } from '../../backends.js'
import { deviation } from '../../fixture.js'
import { tinyPixels, tinyVision } from '../../tiny-models.js'

onEachBackend(() => {
  it('sees the patches that are kept, in whatever order, and none of the others', () => {
    const model = new SiglipVisionModel(tinyVision, { seed: 1 })
    tf.tidy(() => {
      const pixels = tinyPixels() // [2, 3, 8, 8], of 4 patches
      const pooled = (pixelValues: tf.Tensor, kept?: number[][]): tf.Tensor => {
        const keptPatches = kept && tf.tensor2d(kept, undefined, 'int32')
        return model.forward({ pixelValues }, { keptPatches }).poolerOutput!
      }
      const all = [
        [0, 1, 2, 3],
        [3, 1, 0, 2],
      ]
      expect(deviation(pooled(pixels, all), pooled(pixels))).toBeLessThan(1e-5)
      // The lower half is patches 2 and 3: unseen by the first image, seen by the second.
      const kept = [
        [0, 1],
        [1, 2],
      ]
      const other = tf.concat([tf.slice(pixels, [0, 0, 0, 0], [2, 3, 4, 8]), tf.ones([2, 3, 4, 8])], 2)
      const [before, after] = [pooled(pixels, kept), pooled(other, kept)]
      expect(deviation(tf.slice(after, 0, 1), tf.slice(before, 0, 1))).toBe(0)
      expect(deviation(tf.slice(after, 1, 1), tf.slice(before, 1, 1))).toBeGreaterThan(1e-3)
      expect(() => pooled(pixels, [[0, 1]])).toThrow(InputError)
      expect(() =>
        pooled(pixels, [
          [0, 4],
          [0, 1],
        ]),
      ).toThrow(InputError)
    })
    model.dispose()
  })
})
