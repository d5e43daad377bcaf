import * as tf from '@tensorflow/tfjs'
import fc from 'fast-check'
import { InputError } from '../../src/errors.js'
import { chunkedSigmoidLoss } from '../../src/training/losses/chunked-sigmoid-loss.js'
import { clampLogitScale } from '../../src/training/losses/clamp-logit-scale.js'
import { sigmoidLoss, type LossInputs } from '../../src/training/losses/sigmoid-loss.js'
import { softmaxLoss } from '../../src/training/losses/softmax-loss.js'
import { onEachBackend } from '../backends.js'
import { deviation, readFixture } from '../fixture.js'
import { leaked } from '../leaks.js'

type Loss = (inputs: LossInputs) => tf.Scalar

/** A loss and its gradients by images, texts, scale and bias. */
function valueAndGradients(loss: Loss, inputs: readonly tf.Tensor[]) {
  const { value, grads } = tf.engine().gradients(
    () => {
      const [imageEmbeds, textEmbeds, logitScale, logitBias] = inputs as [
        tf.Tensor2D,
        tf.Tensor2D,
        tf.Tensor,
        tf.Tensor,
      ]
      return loss({ imageEmbeds, textEmbeds, logitScale, logitBias })
    },
    [...inputs],
    undefined,
    true,
  )
  return [value, ...grads]
}

const reference = readFixture('training', 'losses.safetensors')
const chunked =
  (chunkSize: number, offset = 0): Loss =>
  (inputs) =>
    chunkedSigmoidLoss({ ...inputs, chunkSize, offset })

onEachBackend(() => {
  const cases: readonly [string, string, (pairs: { labels: tf.Tensor2D; weights: tf.Tensor2D }) => Loss][] = [
    ['sigmoid', 'texts', () => sigmoidLoss],
    [
      'sigmoid-labels',
      'more_texts',
      ({ labels }) =>
        (inputs) =>
          sigmoidLoss({ ...inputs, labels }),
    ],
    ['sigmoid-weights', 'more_texts', (pairs) => (inputs) => sigmoidLoss({ ...inputs, ...pairs })],
    ['softmax', 'texts', () => softmaxLoss],
    [
      'softmax-labels',
      'more_texts',
      ({ labels }) =>
        (inputs) =>
          softmaxLoss({ ...inputs, labels }),
    ],
    ['sigmoid', 'texts', () => chunked(3)],
    ['sigmoid', 'texts', () => chunked(100)],
    ['neighbour', 'texts', () => chunked(2, 7)],
    ['neighbour', 'texts', () => chunked(4, -7)],
  ]
  it.each(cases)("%s of %s is torch's, and its gradients", (name, texts, loss) => {
    tf.tidy(() => {
      const inputs = ['images', texts, 'scale', 'bias'].map((key) => reference.tensor(key))
      const pairs = {
        labels: reference.tensor('labels') as tf.Tensor2D,
        weights: reference.tensor('weights') as tf.Tensor2D,
      }
      const found = valueAndGradients(loss(pairs), inputs)
      const expected = ['loss', 'grad.images', 'grad.texts', 'grad.scale', 'grad.bias']
      for (const [i, key] of expected.entries()) {
        const tensor = found[i] ?? tf.zeros([1]) // a loss that doesn't see the bias has no gradient by it
        expect([key, deviation(tensor, reference.tensor(`${name}.${key}`)) < 1e-6]).toEqual([key, true])
      }
    })
  })

  it('softmax with weights is the sum that its definition says', () => {
    tf.tidy(() => {
      const [imageEmbeds, textEmbeds, logitScale] = ['images', 'more_texts', 'scale'].map((key) =>
        reference.tensor(key),
      )
      const [labels, weights] = ['labels', 'weights'].map((key) => reference.tensor(key) as tf.Tensor2D)
      const logits = tf
        .mul(tf.matMul(imageEmbeds!, textEmbeds!, false, true), tf.exp(logitScale!))
        .arraySync() as number[][]
      const [own, counts] = [labels!.arraySync(), weights!.arraySync()]
      const turned = (rows: number[][]): number[][] => rows[0]!.map((_, j) => rows.map((row) => row[j]!))
      const mean = (rows: number[][], positives: number[][], factors: number[][]): number => {
        let sum = 0
        for (const [i, row] of rows.entries()) {
          const all = Math.log(row.reduce((total, logit) => total + Math.exp(logit), 0))
          const positive = positives[i]!.reduce((total, label) => total + label, 0)
          for (const [j, logit] of row.entries()) {
            if (positives[i]![j]) sum += (factors[i]![j]! / positive) * (all - logit)
          }
        }
        return sum / rows.length
      }
      const expected = (mean(logits, own, counts) + mean(turned(logits), turned(own), turned(counts))) / 2
      const inputs = { imageEmbeds, textEmbeds, logitScale } as Omit<LossInputs, 'logitBias'>
      expect(softmaxLoss({ ...inputs, labels, weights }).dataSync()[0]).toBeCloseTo(expected, 5)
      expect(() => softmaxLoss({ ...inputs, labels, weights: tf.ones([2, 2]) })).toThrow(/Invalid weights/)
    })
  })

  it('is the same in chunks of any size, and as a sum over neighbours', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 12 }),
        fc.nat(1000),
        (batch, size, seed) => {
          tf.tidy(() => {
            const embeds = [1, 2].map((i) => {
              const random = tf.randomNormal([2 * batch, 6], 0, 1, 'float32', seed + i)
              return tf.div<tf.Tensor2D>(random, tf.norm(random, 'euclidean', 1, true))
            })
            const rest = [tf.tensor1d([2]), tf.tensor1d([-3])]
            const whole = valueAndGradients(sigmoidLoss, [...embeds, ...rest])
            const inChunks = valueAndGradients(chunked(size), [...embeds, ...rest])
            for (const [i, tensor] of whole.entries()) expect(deviation(inChunks[i]!, tensor)).toBeLessThan(1e-5)

            const halves = embeds.map((x) => tf.split<tf.Tensor2D>(x, 2))
            const part = (image: number, text: number, offset: number) =>
              chunked(
                size,
                offset,
              )({
                imageEmbeds: halves[0]![image]!,
                textEmbeds: halves[1]![text]!,
                logitScale: rest[0]!,
                logitBias: rest[1]!,
              })
            const sum = tf.addN([part(0, 0, 0), part(0, 1, batch), part(1, 0, -batch), part(1, 1, 0)])
            expect(deviation(tf.div(sum, 2), whole[0]!)).toBeLessThan(1e-5)
          })
        },
      ),
      { numRuns: 20 },
    )
  })

  it('has the same value where nobody wants gradients, and leaves nothing behind', async () => {
    const names = ['images', 'texts', 'scale', 'bias']
    const [imageEmbeds, textEmbeds, logitScale, logitBias] = names.map((key) => reference.tensor(key)) as [
      tf.Tensor2D,
      tf.Tensor2D,
      tf.Tensor,
      tf.Tensor,
    ]
    const inputs = { imageEmbeds, textEmbeds, logitScale, logitBias }
    const loss = chunked(3)(inputs)
    const expected = reference.tensor('sigmoid.loss')
    expect(deviation(loss, expected)).toBeLessThan(1e-6)
    tf.dispose([loss, expected])
    for (const each of [chunked(3), sigmoidLoss, softmaxLoss]) {
      expect(await leaked(() => each(inputs))).toBe(0)
      expect(await leaked(() => valueAndGradients(each, Object.values(inputs)))).toBe(0)
    }
    tf.dispose(inputs)
  })

  it('refuses what does not fit', () => {
    tf.tidy(() => {
      const inputs = {
        imageEmbeds: tf.ones<tf.Rank.R2>([2, 3]),
        textEmbeds: tf.ones<tf.Rank.R2>([4, 3]),
        logitScale: tf.zeros([1]),
        logitBias: tf.zeros([1]),
      }
      const square = { ...inputs, textEmbeds: inputs.imageEmbeds }
      const wider = { ...inputs, textEmbeds: tf.ones<tf.Rank.R2>([2, 5]) }
      const labels = tf.ones<tf.Rank.R2>([4, 2])
      expect(() => sigmoidLoss(inputs)).toThrow(InputError)
      expect(() => softmaxLoss(inputs)).toThrow(/labels of the pairs/)
      expect(() => softmaxLoss(wider)).toThrow(/differ in width/)
      expect(() => sigmoidLoss({ ...inputs, labels })).toThrow(/Invalid labels: expected \[2, 4\], found \[4, 2\]/)
      expect(() => sigmoidLoss({ ...square, weights: labels })).toThrow(/Invalid weights/)
      expect(() => chunkedSigmoidLoss(inputs)).toThrow(InputError)
      expect(() => chunkedSigmoidLoss({ ...square, chunkSize: 0 })).toThrow(/Invalid chunkSize/)
    })
  })

  it('keeps the scale between 1 and the maximum', () => {
    const scale = tf.variable(tf.tensor1d([7]))
    clampLogitScale(scale)
    expect(scale.dataSync()[0]).toBeCloseTo(Math.log(100), 5)
    scale.assign(tf.tensor1d([-3]))
    clampLogitScale(scale)
    expect(scale.dataSync()[0]).toBe(0)
    scale.dispose()
  })
})
