import * as tf from '@tensorflow/tfjs'
import { SiglipForImageClassification } from '../../src/models/siglip/image-classification.js'
import { SiglipModel } from '../../src/models/siglip/modeling.js'
import { Siglip2Model } from '../../src/models/siglip2/modeling.js'
import { SiglipVisionModel } from '../../src/models/siglip/vision-model.js'
import type { PreTrainedModel } from '../../src/models/loading/pre-trained-model.js'
import { AdamW } from '../../src/training/optimizers/adamw.js'
import { clipByGlobalNorm } from '../../src/training/optimizers/clip-by-global-norm.js'
import { deviation, fixturePath, namedOutputs, readFixture, type Fixture } from '../fixture.js'

/** One comparison with the reference: how far the furthest number is off, and how many arrays were compared. */
export interface Case {
  readonly name: string
  /** |a − b| / (1 + |b|) stays below it. */
  readonly bound: number
  readonly run: () => Promise<Result>
}

export interface Result {
  readonly worst: number
  readonly compared: number
  /** Arrays of the reference that nothing was compared with. */
  readonly left: readonly string[]
}

/** Compares arrays by name with all those of the fixture that start with `prefix`. */
function compare(actual: ReadonlyMap<string, tf.Tensor>, expected: Fixture, prefix: string): Result {
  const left: string[] = []
  const deviations: number[] = []
  for (const name of expected.names(prefix)) {
    const tensor = actual.get(name.slice(prefix.length))
    if (tensor) deviations.push(deviation(tensor, expected.tensor(name)))
    else left.push(name)
  }
  return { worst: Math.max(...deviations), compared: deviations.length, left }
}

const compareOutput = (output: object, expected: Fixture, prefix: string): Result =>
  compare(namedOutputs(output), expected, prefix)

/** The gradient of a loss for every parameter that it depends on, by the parameter's name in transformers. */
function gradients(model: PreTrainedModel, loss: () => tf.Scalar): Map<string, tf.Tensor> {
  const { grads, value } = tf.variableGrads(loss)
  value.dispose()
  return new Map(
    [...model.namedParameters()].flatMap(([name, variable]) => {
      const gradient = grads[variable.name]
      return gradient ? [[name, gradient]] : []
    }),
  )
}

async function using<M extends PreTrainedModel, T>(model: Promise<M>, use: (model: M) => T): Promise<T> {
  const loaded = await model
  tf.engine().startScope()
  try {
    return use(loaded)
  } finally {
    tf.engine().endScope()
    loaded.dispose()
  }
}

interface Batch {
  readonly inputIds: tf.Tensor
  readonly pixelValues: tf.Tensor
}

const siglip = (folder: string): Case[] => {
  const expected = (): Fixture => readFixture(folder, 'expected.safetensors')
  const inputs = (e: Fixture): Batch => ({
    inputIds: e.tensor('in.input_ids'),
    pixelValues: e.tensor('in.pixel_values'),
  })
  const run = (use: (model: SiglipModel, e: Fixture) => Result) => () =>
    using(SiglipModel.fromPretrained(fixturePath(folder)), (model) => use(model, expected()))
  return [
    {
      name: `${folder}: outputs, hidden states, attentions, loss`,
      bound: 1e-5,
      run: run((model, e) => {
        const options = { returnLoss: true, outputHiddenStates: true, outputAttentions: true }
        return compareOutput(model.forward(inputs(e), options), e, 'full.')
      }),
    },
    {
      name: `${folder}: gradients of every parameter`,
      bound: 1e-5,
      run: run((model, e) => {
        const batch = inputs(e)
        const loss = (): tf.Scalar => model.forward(batch, { returnLoss: true }).loss ?? tf.scalar(NaN)
        return compare(gradients(model, loss), e, 'grad.')
      }),
    },
    {
      name: `${folder}: attention mask`,
      bound: 1e-5,
      run: run((model, e) =>
        compareOutput(model.forward({ ...inputs(e), attentionMask: e.tensor('in.attention_mask') }), e, 'masked.'),
      ),
    },
    {
      name: `${folder}: fewer texts than images`,
      bound: 1e-5,
      run: run((model, e) => {
        const { inputIds, pixelValues } = inputs(e)
        return compareOutput(model.forward({ inputIds: tf.slice(inputIds, 0, 2), pixelValues }), e, 'two_texts.')
      }),
    },
    {
      name: `${folder}: position ids`,
      bound: 1e-5,
      run: run((model, e) =>
        compareOutput(model.forward({ ...inputs(e), positionIds: e.tensor('in.position_ids') }), e, 'position_ids.'),
      ),
    },
    {
      name: `${folder}: a text shorter than the longest`,
      bound: 1e-5,
      run: run((model, e) => {
        const short = tf.slice(e.tensor('in.input_ids'), [0, 0], [4, 7])
        const { poolerOutput } = model.getTextFeatures({ inputIds: short })
        return compareOutput({ textPoolerOutput: poolerOutput }, e, 'short.')
      }),
    },
    {
      name: `${folder}: images of other sizes`,
      bound: 1e-5,
      run: run((model, e) => {
        const outputs = e.names('in.interpolate.').flatMap((name): [string, tf.Tensor][] => {
          const size = name.slice('in.interpolate.'.length)
          const output = model.getImageFeatures({ pixelValues: e.tensor(name) }, { interpolatePosEncoding: true })
          return [
            [`${size}.last_hidden_state`, output.lastHiddenState],
            [`${size}.pooler_output`, output.poolerOutput],
          ]
        })
        return compare(new Map(outputs), e, 'interpolate.')
      }),
    },
    {
      name: `${folder}: ten steps of AdamW`,
      bound: 1e-5,
      run: run((model, e) => tenSteps(model, inputs(e), readFixture(folder, 'adamw-10-steps.safetensors'), e)),
    },
  ]
}

function tenSteps(model: SiglipModel, batch: Batch, expected: Fixture, firstGradients: Fixture): Result {
  const optimizer = new AdamW({ learningRate: 1e-3, betas: [0.9, 0.95], weightDecay: 0.01 })
  const losses: number[] = []
  const norms: number[] = []
  for (let step = 0; step < 10; step++) {
    tf.tidy(() => {
      const loss = (): tf.Scalar => model.forward(batch, { returnLoss: true }).loss ?? tf.scalar(NaN)
      const { grads, value } = tf.variableGrads(loss)
      const clipped = clipByGlobalNorm(grads, 1)
      optimizer.applyGradients(clipped.gradients)
      losses.push(value.arraySync())
      norms.push(clipped.norm.arraySync())
    })
  }
  optimizer.dispose()
  const parameters = [...model.namedParameters()].map(([name, variable]): [string, tf.Tensor] => {
    const reference = expected.tensor(`param.${name}`)
    return [`param.${name}`, withoutNoise(variable, reference, firstGradients.tensor(`grad.${name}`))]
  })
  const actual = new Map<string, tf.Tensor>([
    ...parameters,
    ['losses', tf.tensor(losses)],
    ['grad_norms', tf.tensor(norms)],
  ])
  return compare(actual, expected, '')
}

/**
 * Adam divides a gradient by its own size, so where the true gradient is zero (softmax doesn't see a key's bias) it walks with the
 * rounding, in torch too. There, where torch's own gradient is below Adam's eps, only the length of the walk is held: the rate
 * times ten steps.
 */
function withoutNoise(actual: tf.Tensor, reference: tf.Tensor, gradient: tf.Tensor): tf.Tensor {
  const noise = tf.logicalAnd(
    tf.less(tf.abs(gradient), 1e-8),
    tf.lessEqual(tf.abs(tf.sub(actual, reference)), 2 * 10 * 1e-3),
  )
  return tf.where(noise, reference, actual)
}

const classifier = (folder: string): Case => ({
  name: `${folder}: logits, loss, gradients`,
  bound: 1e-5,
  run: () =>
    using(SiglipForImageClassification.fromPretrained(fixturePath(folder)), (model) => {
      const expected = readFixture(folder, 'expected.safetensors')
      const inputs = { pixelValues: expected.tensor('in.pixel_values') }
      const labels = expected.tensor('in.labels')
      const { logits, loss = tf.scalar(NaN) } = model.forward(inputs, { labels })
      const grads = gradients(model, () => model.forward(inputs, { labels }).loss ?? tf.scalar(NaN))
      const named = [...grads].map(([name, gradient]): [string, tf.Tensor] => [`grad.${name}`, gradient])
      const inputNames = expected.names('in.').map((name): [string, tf.Tensor] => [name, expected.tensor(name)])
      return compare(
        new Map<string, tf.Tensor>([...inputNames, ...named, ['logits', logits], ['loss', loss]]),
        expected,
        '',
      )
    }),
})

const visionWithoutHead: Case = {
  name: 'vision-no-head: outputs, hidden states, attentions',
  bound: 1e-5,
  run: () =>
    using(SiglipVisionModel.fromPretrained(fixturePath('vision-no-head')), (model) => {
      const expected = readFixture('vision-no-head', 'expected.safetensors')
      const pixelValues = expected.tensor('in.pixel_values')
      const output = model.forward({ pixelValues }, { outputHiddenStates: true, outputAttentions: true })
      return compare(new Map([...namedOutputs(output), ['in.pixel_values', pixelValues]]), expected, '')
    }),
}

const naflex: Case[] = ['full.', 'grad.'].map((prefix) => ({
  name: `siglip2-naflex-tiny: ${prefix === 'full.' ? 'outputs, hidden states, attentions, loss' : 'gradients of every parameter'}`,
  bound: 1e-5,
  run: () =>
    using(Siglip2Model.fromPretrained(fixturePath('siglip2-naflex-tiny')), (model) => {
      const expected = readFixture('siglip2-naflex-tiny', 'expected.safetensors')
      const inputs = {
        inputIds: expected.tensor('in.input_ids'),
        pixelValues: expected.tensor('in.pixel_values'),
        pixelAttentionMask: expected.tensor('in.pixel_attention_mask'),
        spatialShapes: expected.tensor('in.spatial_shapes'),
      }
      if (prefix === 'full.') {
        const options = { returnLoss: true, outputHiddenStates: true, outputAttentions: true }
        return compareOutput(model.forward(inputs, options), expected, prefix)
      }
      const loss = (): tf.Scalar => model.forward(inputs, { returnLoss: true }).loss ?? tf.scalar(NaN)
      return compare(gradients(model, loss), expected, prefix)
    }),
}))

/** Every number that the reference has for these models. */
export const cases: readonly Case[] = [
  ...siglip('siglip-tiny'),
  ...siglip('siglip-tiny-gelu'),
  ...['classifier-single', 'classifier-multi', 'classifier-regression'].map(classifier),
  visionWithoutHead,
  ...naflex,
]
