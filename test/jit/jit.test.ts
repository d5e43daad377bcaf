import * as tf from '@tensorflow/tfjs'
import { InputError } from '../../src/errors.js'
import type { PreTrainedModel } from '../../src/models/loading/pre-trained-model.js'
import { Siglip2Model } from '../../src/models/siglip2/modeling.js'
import { SiglipForImageClassification } from '../../src/models/siglip/image-classification.js'
import { SiglipModel } from '../../src/models/siglip/modeling.js'
import { SiglipVisionModel } from '../../src/models/siglip/vision-model.js'
import { useBackend } from '../../src/backend/backend-node.js'
import { jit } from '../../src/jit/jit.js'
import { Adafactor } from '../../src/training/optimizers/adafactor.js'
import { AdamW } from '../../src/training/optimizers/adamw.js'
import { clipByGlobalNorm } from '../../src/training/optimizers/clip-by-global-norm.js'
import { Lion } from '../../src/training/optimizers/lion.js'
import { Muon } from '../../src/training/optimizers/muon.js'
import { SGD } from '../../src/training/optimizers/sgd.js'
import { onEngine, onOwnEngine } from '../backends.js'
import { deviation, fixturePath, namedOutputs, readFixture, type Fixture } from '../fixture.js'

type Inputs = Readonly<Record<string, tf.Tensor>>

/** A fixture's arrays `in.*` under the names that the models give them. */
const inputsOf = (fixture: Fixture, names: readonly string[]): Inputs =>
  Object.fromEntries(
    names.map((name) => [name, fixture.tensor(`in.${name.replace(/[A-Z]/g, (char) => `_${char.toLowerCase()}`)}`)]),
  )

interface Case {
  readonly folder: readonly string[]
  readonly load: (folder: string) => Promise<PreTrainedModel & { forward: (inputs: never, options: object) => object }>
  readonly names: readonly string[]
  readonly options?: object
}

const everything = { outputHiddenStates: true, outputAttentions: true, returnLoss: true }
const siglip = (folder: string) => SiglipModel.fromPretrained(folder)
const classifier = (folder: string) => SiglipForImageClassification.fromPretrained(folder)
const both = ['inputIds', 'pixelValues']
const cases: readonly Case[] = [
  { folder: ['siglip-tiny'], load: siglip, names: both },
  { folder: ['siglip-tiny'], load: siglip, names: [...both, 'attentionMask'] },
  { folder: ['siglip-tiny'], load: siglip, names: [...both, 'positionIds'] },
  { folder: ['siglip-tiny-gelu'], load: siglip, names: both },
  {
    folder: ['siglip2-naflex-tiny'],
    load: (folder) => Siglip2Model.fromPretrained(folder),
    names: [...both, 'pixelAttentionMask', 'spatialShapes'],
  },
  {
    folder: ['odd', 'prelu'],
    load: siglip,
    names: [...both, 'positionIds'],
    options: { interpolatePosEncoding: true },
  },
  ...['classifier-single', 'classifier-multi', 'classifier-regression'].map((folder) => ({
    folder: [folder],
    load: classifier,
    names: ['pixelValues', 'labels'],
  })),
  {
    folder: ['vision-no-head'],
    load: (folder) => SiglipVisionModel.fromPretrained(folder),
    names: ['pixelValues'],
  },
]

/** How far outputs of one structure are apart. */
function furthest(actual: object, expected: object): number {
  const [found, right] = [namedOutputs(actual), namedOutputs(expected)]
  expect([...found.keys()]).toEqual([...right.keys()])
  expect(found.size).toBeGreaterThan(0)
  return Math.max(...[...right].map(([name, tensor]) => deviation(found.get(name)!, tensor)))
}

/** What holds on each backend that has an engine. */
function recordings(): void {
  describe('gives the numbers of tfjs itself', () => {
    it.each(cases.map((c) => ({ ...c, name: `${c.folder.join('/')} ${c.names.join(' ')}` })))(
      '$name',
      async ({ folder, load, names, options }) => {
        const model = await load(fixturePath(...folder))
        const inputs = inputsOf(readFixture(...folder, 'expected.safetensors'), names)
        const { numTensors } = tf.memory()
        const forward = ({ labels, ...rest }: Inputs): object =>
          model.forward(rest as never, { ...everything, ...options, ...(labels ? { labels } : {}) })
        const loss = (given: Inputs): tf.Scalar => {
          const output = forward(given)
          if ('loss' in output) return output.loss as tf.Scalar
          return tf.mean(tf.square((output as { lastHiddenState: tf.Tensor }).lastHiddenState))
        }
        const gradients = (given: Inputs): object => tf.variableGrads(() => tf.tidy(() => loss(given)))

        const [fastForward, fastGradients] = [jit(forward), jit(gradients)]
        for (const [fast, plain] of [[fastForward, forward] as const, [fastGradients, gradients] as const]) {
          tf.tidy(() => {
            expect(furthest(fast(inputs), plain(inputs))).toBeLessThan(1e-5)
            expect(furthest(fast(inputs), plain(inputs))).toBeLessThan(1e-5)
          })
          expect(fast.traces).toBe(1)
        }
        expect(tf.memory().numTensors).toBe(numTensors)
        fastForward.dispose()
        fastGradients.dispose()
        model.dispose()
      },
    )

    it('in ten whole steps of training', async () => {
      const model = await siglip(fixturePath('siglip-tiny'))
      const inputs = inputsOf(readFixture('siglip-tiny', 'expected.safetensors'), both)
      const expected = readFixture('siglip-tiny', 'adamw-10-steps.safetensors')
      const optimizer = new AdamW({ learningRate: 1e-3, betas: [0.9, 0.95], weightDecay: 0.01 })
      const step = jit((given: Inputs) => {
        const { grads, value } = tf.variableGrads(() => model.forward(given as never, { returnLoss: true }).loss!)
        const { gradients, norm } = clipByGlobalNorm(grads, 1)
        optimizer.applyGradients(gradients)
        return { loss: value, norm }
      })
      const steps = Array.from({ length: 10 }, () => step(inputs))
      const all = (key: 'loss' | 'norm'): tf.Tensor => tf.stack(steps.map((of) => of[key]))
      expect(deviation(all('loss'), expected.tensor('losses'))).toBeLessThan(1e-5)
      expect(deviation(all('norm'), expected.tensor('grad_norms'))).toBeLessThan(1e-5)
      expect(step.traces).toBe(1)
      step.dispose()
      optimizer.dispose()
      model.dispose()
    })
  })

  describe('takes the steps of', () => {
    const optimizers: Readonly<Record<string, () => tf.Optimizer>> = {
      AdamW: () => new AdamW({ learningRate: 0.1 }),
      Lion: () => new Lion({ learningRate: 0.1 }),
      Adafactor: () => new Adafactor({ learningRate: 0.1 }),
      Muon: () => new Muon({ learningRate: 0.1 }),
      SGD: () => new SGD({ learningRate: 0.1, momentum: 0.9 }),
      'tf.train.sgd': () => tf.train.sgd(0.1),
      'tf.train.momentum': () => tf.train.momentum(0.1, 0.9),
      'tf.train.adam': () => tf.train.adam(0.1),
      'tf.train.adamax': () => tf.train.adamax(0.1),
      'tf.train.rmsprop': () => tf.train.rmsprop(0.1),
      'tf.train.adadelta': () => tf.train.adadelta(0.1),
      'tf.train.adagrad': () => tf.train.adagrad(0.1),
    }

    it.each(Object.keys(optimizers))('%s', (name) => {
      const x = tf.randomNormal([5, 8], 0, 1, 'float32', 2)
      const [plain = [], fast = []] = [false, true].map((isFast) => {
        const weight = tf.variable(tf.randomNormal([8, 8], 0, 1, 'float32', 3))
        const optimizer = optimizers[name]!()
        const step = (x: tf.Tensor): tf.Scalar | null =>
          optimizer.minimize(() => tf.mean(tf.square(tf.tanh(tf.matMul(x, weight as tf.Tensor)))), true)
        const jitted = isFast ? jit(step) : step
        const losses = Array.from({ length: 5 }, () => jitted(x)!.arraySync())
        if ('traces' in jitted) expect(jitted.traces).toBe(1)
        weight.dispose()
        optimizer.dispose()
        return losses
      })
      expect(new Set(plain).size).toBe(5)
      expect(deviation(tf.tensor(fast), tf.tensor(plain))).toBeLessThan(1e-5)
    })
  })

  it('names an index that is out of range', async () => {
    const model = await siglip(fixturePath('siglip-tiny'))
    const fast = jit((inputIds: tf.Tensor) => model.getTextFeatures({ inputIds }).poolerOutput)
    const ids = readFixture('siglip-tiny', 'expected.safetensors').tensor('in.input_ids')
    expect(() => fast(tf.add(ids, 12_345))).toThrow(InputError)
    expect(() => fast(tf.add(ids, 12_345))).toThrow(/123\d\d/)
    await expect(fast.async(tf.sub(ids, 12_345))).rejects.toThrow(/-12\d\d\d/)
    expect(fast(ids).shape).toEqual(model.getTextFeatures({ inputIds: ids }).poolerOutput.shape)
    fast.dispose()
    model.dispose()
  })

  it('keeps the direction of embeddings in bfloat16', async () => {
    const model = await siglip(fixturePath('siglip-tiny'))
    const inputs = inputsOf(readFixture('siglip-tiny', 'expected.safetensors'), both)
    const embed = (given: Inputs) => {
      const { imageEmbeds, textEmbeds } = model.forward(given as never)
      return [imageEmbeds, textEmbeds]
    }
    for (const precision of ['bfloat16', 'auto'] as const) {
      const fast = jit(embed, { precision })
      const plain = embed(inputs)
      fast(inputs).forEach((rows, i) => {
        expect(tf.min(tf.sum(tf.mul(rows, plain[i]!), -1)).dataSync()[0]).toBeGreaterThan(0.999)
      })
      fast.dispose()
    }
    model.dispose()
  })

  it('serves two models at once, also when they are disposed of meanwhile', async () => {
    const folders = ['siglip-tiny', 'siglip-tiny-gelu']
    const models = await Promise.all(folders.map((folder) => siglip(fixturePath(folder))))
    const inputs = folders.map((folder) => inputsOf(readFixture(folder, 'expected.safetensors'), both))
    const plain = models.map((model) => (given: Inputs) => model.forward(given as never).logitsPerText)
    const fast = plain.map((fn) => jit(fn))
    const expected = plain.map((fn, i) => fn(inputs[i]!))
    const rounds = Array.from({ length: 8 }, (_, i) => fast[i % 2]!.async(inputs[i % 2]!))
    for (const fn of fast) fn.dispose()
    for (const [i, output] of (await Promise.all(rounds)).entries()) {
      expect(deviation(output, expected[i % 2]!)).toBeLessThan(1e-5)
    }
    for (const model of models) model.dispose()
  })
}

onOwnEngine(recordings)

onEngine(() => {
  recordings()

  it('takes no more memory after 10,000 calls of changing shapes', () => {
    const weight = tf.variable(tf.randomNormal([64, 64], 0, 1, 'float32', 1))
    const fast = jit((x: tf.Tensor2D) => tf.softmax(tf.matMul(tf.tanh(x), weight as unknown as tf.Tensor2D)))
    const rows = (i: number): number => (i % 10 === 0 ? 9 + ((i / 10) % 20) : 1 + (i % 8)) // more than are kept
    const call = (i: number): void => {
      const x = tf.ones<tf.Rank.R2>([rows(i), 64])
      tf.dispose([x, fast(x)])
    }
    for (let i = 0; i < 2_000; i++) call(i)
    const { numTensors } = tf.memory()
    const { rss } = process.memoryUsage()
    for (let i = 0; i < 10_000; i++) call(i)
    expect(tf.memory().numTensors).toBe(numTensors)
    expect(process.memoryUsage().rss - rss).toBeLessThan(100e6)
    expect(fast.traces).toBe(16)
    fast.dispose()
    weight.dispose()
  })

  it.each([{ precision: 'float16' as 'auto' }, { maxTraces: 0 }, { maxTraces: 1.5 }])('refuses %j', (options) => {
    expect(() => jit(() => tf.scalar(1), options)).toThrow(InputError)
  })

  it('records for the backend that runs, whichever ran before', async () => {
    const weight = tf.variable(tf.tensor([2, 3]))
    const fast = jit((x: tf.Tensor) => tf.mul(tf.add(x, 1), weight))
    try {
      for (const backend of ['native', 'siglip', 'native', 'siglip'] as const) {
        await useBackend(backend, { quiet: true })
        expect([...fast(tf.tensor([1, 2])).dataSync(), fast.traces]).toEqual([4, 9, 1])
      }
    } finally {
      fast.dispose()
      weight.dispose()
      await useBackend('native', { quiet: true })
    }
  })

  it('is the function itself on other backends, and says so once', async () => {
    await useBackend('wasm', { quiet: true })
    const quiet = process.env['SIGLIP_QUIET']
    delete process.env['SIGLIP_QUIET']
    const said = jest.spyOn(process.stderr, 'write').mockReturnValue(true)
    try {
      const fast = jit((x: tf.Tensor) => x.dataSync().length)
      expect([fast(tf.ones([3])), await fast.async(tf.ones([2])), fast.traces]).toEqual([3, 2, 0])
      expect(said.mock.calls.map(String)).toEqual([
        expect.stringMatching(/jit runs functions as they are.* wasm runs\./),
      ])
    } finally {
      said.mockRestore()
      if (quiet !== undefined) process.env['SIGLIP_QUIET'] = quiet
      await useBackend('native', { quiet: true })
    }
  })
})
