import * as tf from '@tensorflow/tfjs'
import type { PreTrainedModel } from '../../src/models/loading/pre-trained-model.js'
import { SiglipForImageClassification } from '../../src/models/siglip/image-classification.js'
import { SiglipModel } from '../../src/models/siglip/modeling.js'
import { onEachBackend } from '../backends.js'
import { deviation, fixturePath, namedOutputs, readFixture, type Fixture } from '../fixture.js'

const everything = { outputHiddenStates: true, outputAttentions: true, interpolatePosEncoding: true }

/** Every output against `out.*`, and the gradients of a loss made of them against `grad.*`. */
function compare<M extends PreTrainedModel, Output extends object>(
  model: M,
  expected: Fixture,
  forward: (model: M) => Output,
  loss: (output: Output) => tf.Scalar,
): void {
  tf.tidy(() => {
    const outputs = namedOutputs(forward(model))
    const inReference = expected.names('out.').map((name) => name.slice('out.'.length))
    expect([...outputs.keys()].sort()).toEqual(inReference)
    for (const [name, tensor] of outputs) {
      expect({ name, off: deviation(tensor, expected.tensor(`out.${name}`)) < 1e-5 }).toEqual({ name, off: true })
    }
    const { grads } = tf.variableGrads(() => tf.tidy(() => loss(forward(model))))
    const parameters = model.namedParameters()
    expect(expected.names('grad.').length).toBeGreaterThan(0)
    for (const name of expected.names('grad.')) {
      const gradient = grads[parameters.get(name.slice('grad.'.length))!.name]!
      expect({ name, off: deviation(gradient, expected.tensor(name)) < 1e-5 }).toEqual({ name, off: true })
    }
  })
  model.dispose()
}

onEachBackend(() => {
  it('masks, shared places, a grid that is no multiple, learned activations, seven texts for an image', async () => {
    const e = readFixture('odd', 'seven-texts-one-image', 'expected.safetensors')
    const inputs = () => ({
      inputIds: e.tensor('in.input_ids'),
      attentionMask: e.tensor('in.attention_mask'),
      positionIds: e.tensor('in.position_ids'),
      pixelValues: e.tensor('in.pixel_values'),
    })
    compare(
      await SiglipModel.fromPretrained(fixturePath('odd', 'seven-texts-one-image')),
      e,
      (model) => model.forward(inputs(), everything),
      ({ logitsPerText }) => tf.add(tf.sum(logitsPerText), tf.mean(tf.square(logitsPerText))),
    )
  })

  it('four channels, two activations with weights of their own, a loss', async () => {
    const e = readFixture('odd', 'prelu', 'expected.safetensors')
    const inputs = () => ({
      inputIds: e.tensor('in.input_ids'),
      positionIds: e.tensor('in.position_ids'),
      pixelValues: e.tensor('in.pixel_values'),
    })
    compare(
      await SiglipModel.fromPretrained(fixturePath('odd', 'prelu')),
      e,
      (model) => model.forward(inputs(), { ...everything, returnLoss: true }),
      ({ loss }) => loss!,
    )
  })

  it('a label that is left out, images of one patch by four', async () => {
    const e = readFixture('odd', 'ignored-label', 'expected.safetensors')
    compare(
      await SiglipForImageClassification.fromPretrained(fixturePath('odd', 'ignored-label')),
      e,
      (model) =>
        model.forward({ pixelValues: e.tensor('in.pixel_values') }, { ...everything, labels: e.tensor('in.labels') }),
      ({ loss }) => loss!,
    )
  })
})
