import * as tf from '@tensorflow/tfjs'
import { InputError } from '../../../src/errors.js'
import { Siglip2Model } from '../../../src/models/siglip2/modeling.js'
import { Siglip2VisionModel } from '../../../src/models/siglip2/vision-model.js'
import { onEachBackend } from '../../backends.js'
import { deviation, fixturePath, readFixture } from '../../fixture.js'

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
    ['no images', [0, 4, 12], [0, 4], [0, 2], /pixelValues: .*found \[0, 4, 12\]/],
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

  it('places patches of images that are one patch wide or high as transformers does, gradients too', async () => {
    const whole = await Siglip2Model.fromPretrained(fixturePath('siglip2-naflex-tiny'))
    const expected = readFixture('siglip2-naflex-tiny', 'one-patch.safetensors')
    const batch = {
      inputIds: expected.tensor('in.input_ids'),
      pixelValues: expected.tensor('in.pixel_values'),
      pixelAttentionMask: expected.tensor('in.pixel_attention_mask'),
      spatialShapes: expected.tensor('in.spatial_shapes'),
    }
    const { imageEmbeds, logitsPerText, visionModelOutput } = whole.forward(batch)
    expect(deviation(imageEmbeds, expected.tensor('full.image_embeds'))).toBeLessThan(1e-5)
    expect(deviation(logitsPerText, expected.tensor('full.logits_per_text'))).toBeLessThan(1e-4)
    const last = expected.tensor('full.vision_model_output.last_hidden_state')
    const seen = tf.cast(tf.expandDims(batch.pixelAttentionMask, 2), 'float32')
    expect(deviation(tf.mul(visionModelOutput.lastHiddenState, seen), tf.mul(last, seen))).toBeLessThan(1e-4)
    const name = 'vision_model.embeddings.position_embedding.weight'
    const table = whole.namedParameters().get(name)!
    const { grads } = tf.variableGrads(() => whole.forward(batch, { returnLoss: true }).loss!.asScalar(), [table])
    expect(deviation(grads[table.name]!, expected.tensor(`grad.${name}`))).toBeLessThan(1e-5)
    whole.dispose()
  })
})
