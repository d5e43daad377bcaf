import * as tf from '@tensorflow/tfjs'
import { SiglipModel, unitLength } from '../../src/models/siglip/modeling.js'
import { useBackend } from '../../src/backend/backend-node.js'
import { jit } from '../../src/jit/jit.js'
import { accumulatedGradients } from '../../src/training/optimizers/accumulated-gradients.js'
import { AdamW } from '../../src/training/optimizers/adamw.js'
import { addLora } from '../../src/training/lora/add-lora.js'
import { chunkedSigmoidLoss } from '../../src/training/losses/chunked-sigmoid-loss.js'
import { clampLogitScale } from '../../src/training/losses/clamp-logit-scale.js'
import { clipByGlobalNorm } from '../../src/training/optimizers/clip-by-global-norm.js'
import { ExponentialAverage } from '../../src/training/optimizers/exponential-average.js'
import { Muon } from '../../src/training/optimizers/muon.js'
import { noDecay } from '../../src/training/optimizers/parameter-group.js'
import { cosineSchedule } from '../../src/training/optimizers/schedule.js'
import { deviation } from '../fixture.js'
import { tiny, tinyIds, tinyPixels } from '../tiny-models.js'

const STEPS = 6

/** A training in which everything takes part; the step is recorded or not. */
function train(recorded: boolean): { readonly traces: number; readonly values: ReadonlyMap<string, tf.Tensor> } {
  const model = new SiglipModel(tiny, { seed: 1, logits: { batchSize: 6 } })
  const lora = addLora(model, { r: 2, pattern: /fc1$/, seed: 2 })
  const named = model.namedParameters()
  const [logitScale, logitBias] = [named.get('logit_scale')!, named.get('logit_bias')!]
  const isMatrix = (name: string): boolean => /encoder.*proj\.weight$/.test(name)
  const matrices = new Map([...named].filter(([name]) => isMatrix(name)))
  const rest = new Map([...named, ...lora.namedParameters()].filter(([name]) => !isMatrix(name)))
  const groups = [noDecay, { pattern: /^logit_/, learningRate: 5 }, { pattern: /embeddings/, frozen: true }]
  const optimizers = [
    new Muon({ learningRate: 0.02, parameters: matrices }),
    new AdamW({ learningRate: 1e-3, eps: 1e-3, parameters: rest, groups }), // a large eps: no walk along rounding errors
  ]
  const average = new ExponentialAverage(rest, 0.7)
  const variables = optimizers.flatMap((optimizer) => optimizer.variables)

  const plain = (ids: tf.Tensor2D, pixels: tf.Tensor4D): tf.Scalar =>
    tf.tidy(() => {
      const [idParts, pixelParts] = [tf.split<tf.Tensor2D>(ids, 2), tf.split<tf.Tensor4D>(pixels, 2)]
      const { value, grads } = accumulatedGradients({
        batches: [0, 1],
        embed: (i) => ({
          imageEmbeds: unitLength(model.getImageFeatures({ pixelValues: pixelParts[i]! }).poolerOutput),
          textEmbeds: unitLength(model.getTextFeatures({ inputIds: idParts[i]! }).poolerOutput),
        }),
        loss: (embeds) => chunkedSigmoidLoss({ ...embeds, logitScale, logitBias, chunkSize: 4 }),
        variables,
      })
      const { gradients } = clipByGlobalNorm(grads, 1)
      for (const optimizer of optimizers) optimizer.applyGradients(gradients)
      clampLogitScale(logitScale, 12)
      average.update()
      return value
    })
  const jitted = recorded ? jit(plain) : undefined
  const step = jitted ?? plain

  const schedule = cosineSchedule({ steps: STEPS, warmup: 2 })
  const losses: tf.Tensor[] = []
  for (let i = 0; i < STEPS; i++) {
    for (const optimizer of optimizers) optimizer.scaleLearningRate(schedule(i))
    const [ids, pixels] = [tinyIds(6), tinyPixels(6)]
    losses.push(step(ids, pixels))
    tf.dispose([ids, pixels])
  }
  const kept = [...optimizers.map((optimizer) => optimizer.state()), average.state(), named].flatMap((state, i) =>
    [...state].map(([name, variable]): [string, tf.Tensor] => [`${i} ${name}`, tf.clone(variable)]),
  )
  const values = new Map([...kept, ['losses', tf.stack(losses)] as const])
  const traces = jitted?.traces ?? 0
  lora.remove()
  for (const each of [...optimizers, average, model]) each.dispose()
  return { traces, values }
}

it('is recorded once and gives the numbers of tfjs itself', async () => {
  await useBackend('native', { quiet: true })
  const [plain, fast] = [train(false), train(true)]
  expect(fast.traces).toBe(1)
  expect([...fast.values.keys()]).toEqual([...plain.values.keys()])
  const losses = plain.values.get('losses')!.arraySync() as number[]
  expect(losses.at(-1)).toBeLessThan(losses[0]!)
  for (const [name, tensor] of fast.values)
    expect([name, deviation(tensor, plain.values.get(name)!) < 1e-5]).toEqual([name, true])
  tf.dispose([[...plain.values.values()], [...fast.values.values()]])
})
