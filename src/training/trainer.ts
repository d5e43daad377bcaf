import path from 'node:path'
import * as tf from '@tensorflow/tfjs'
import { useBackend } from '../jit/use-backend.js'
import { imagePreparer } from '#image-preparer'
import { saveFolder } from '#save-folder'
import { isSavedWeightFile } from '../../converters/formats/weight-files.js'
import { FileError, TrainingError } from '../errors.js'
import type { Arrays } from '../models/model-arrays.js'
import { firstNonFiniteOf } from '../models/loading/non-finite.js'
import { isInt32 } from '../backend/tensor-input.js'
import type { Jitted } from '../jit/jitted.js'
import { Checkpoints, loadCheckpoint, type Progress, type Trained } from './checkpoint.js'
import { clampLogitScale } from './losses/clamp-logit-scale.js'
import { orderOf, sampleBatches } from './data/batches.js'
import { fingerprintOf, type Fingerprint } from './data/fingerprint.js'
import type { Sample } from './data/sample.js'
import { preparedBatches, type PreparedBatch } from './data/prepared-batches.js'
import { ExponentialAverage } from './optimizers/exponential-average.js'
import type { Inputs, Objective } from './objective.js'
import { objectiveOf } from './objective-of.js'
import { mergeLora } from './lora/merge-lora.js'
import { optimizersOf } from './optimizers/optimizers-of.js'
import { withFolderLock } from './folder-lock.js'
import { saveLora } from './lora/save-lora.js'
import { configFingerprint } from './config-fingerprint.js'
import { resolveTrainOptions } from './resolve-train-options.js'
import type { TrainConfig } from './train-config.js'
import type { TrainOptions, TrainResult } from './train-options.js'
import { trainedFiles } from './trained-files.js'
import { TrainingLog } from './training-log.js'
import { trainingStep, type StepTensors } from './training-step.js'

/**
 * Trains a model.
 *
 * Writes checkpoints to `out/checkpoints/step-N`, `metrics.jsonl`, TensorBoard's events and, after the last step, `out/model/`. With
 * `resume`, training continues from the latest checkpoint and reaches bit-identical weights on the same machine. One process trains in a
 * folder: a second one is refused.
 * A step updates the model's weights in place: use the model in evaluators, which run between steps, and after the training.
 *
 * @throws {InputError} for options that are wrong; FileError if `out` can't be written, or holds a training and `resume` is not set;
 * ConfigError if that had other options or data; TrainingError, with the step and the first bad tensor, once the loss or a gradient is
 * not finite: nothing of that step is saved
 * @example
 *     const { folder } = await train({
 *       model: await SiglipModel.fromPretrained('google/siglip-base-patch16-224'),
 *       processor: await SiglipProcessor.fromPretrained('google/siglip-base-patch16-224'),
 *       data: await ImageFolder.open('images'),
 *       loss: ({ logits, labels }) => tf.losses.sigmoidCrossEntropy(labels, logits),
 *       batchSize: 32,
 *       epochs: 3,
 *       out: 'run',
 *     })
 */
export async function train(options: TrainOptions): Promise<TrainResult> {
  const trainer = await Trainer.prepare(options)
  try {
    return await trainer.run()
  } finally {
    trainer.dispose()
  }
}

/** A training of a fixed number of steps: {@link train} creates, runs and disposes of it. */
export class Trainer {
  readonly #trained: Trained
  readonly #objective: Objective
  readonly #step: Jitted<[Inputs], StepTensors>
  readonly #checkpoints: Checkpoints
  readonly #fingerprints = new WeakMap<readonly Sample[], Fingerprint>()
  #progress: Progress = { step: 0, position: { epoch: 0, pool: 0, batch: 0 }, config: {} }

  #begunFrom: string | undefined

  private constructor(
    /** The options with their defaults. */
    readonly config: TrainConfig,
  ) {
    const { model, processor, lora, loss, ema, clipNorm, precision, maxLogitScale } = config
    const parameters = lora?.namedParameters() ?? model.namedParameters()
    this.#objective = objectiveOf(config)
    const optimizers = optimizersOf(config.optimizer, parameters)
    const average = ema === undefined ? undefined : new ExponentialAverage(parameters, ema)
    this.#trained = { model, loss, processor, parameters, optimizers, average }
    const scale = maxLogitScale === undefined ? undefined : parameters.get('logit_scale')
    const clampScale = (): void => {
      if (scale) clampLogitScale(scale, maxLogitScale)
    }
    this.#step = trainingStep({ objective: this.#objective, optimizers, average, clipNorm, clampScale, precision })
    this.#checkpoints = new Checkpoints(config.out, config.keepCheckpoints)
  }

  /** Of the whole training. */
  get steps(): number {
    return this.config.steps
  }

  /** Steps done, including those before resuming. */
  get step(): number {
    return this.#progress.step
  }

  /** Reads the checkpoint to continue from, if there is one. @throws as {@link train} does */
  static async prepare(options: TrainOptions): Promise<Trainer> {
    const config = await resolveTrainOptions(options)
    await useBackend()
    const trainer = new Trainer(config)
    try {
      trainer.#progress = await trainer.begin()
      return trainer
    } catch (error) {
      trainer.dispose()
      throw error
    }
  }

  /** Runs the steps that are not done yet. @throws {FileError} if another process trains in the folder, and as {@link train} does */
  async run(): Promise<TrainResult> {
    return withFolderLock(this.config.out, async () => {
      const found = await this.#checkpoints.newest()
      if (found === this.#begunFrom) return this.runAlone()
      throw new FileError('Another process trained in this folder at the same time', {
        expected: this.#begunFrom === undefined ? 'no checkpoint' : path.basename(this.#begunFrom),
        found: found === undefined ? 'none' : path.basename(found),
        where: this.config.out,
        hint: 'Resume (resume: true, --resume), or give another folder.',
      })
    })
  }

  private async runAlone(): Promise<TrainResult> {
    const log = new TrainingLog(this.config.out, this.step)
    try {
      const progress = await this.takeSteps(this.#progress, log)
      this.#progress = progress
      const checkpoint = await this.save(progress)
      const { step } = progress
      if (step < this.steps) return { step, isComplete: false, figures: {}, folder: checkpoint }
      this.takeAverage()
      const folder = await this.saveModel()
      const figures = await unlessAborted(this.config.signal, () => this.evaluate(step, log))
      return figures ? { step, isComplete: true, figures, folder } : { step, isComplete: false, figures: {}, folder }
    } finally {
      log.close()
    }
  }

  /** Frees what training needs beside the model. */
  dispose(): void {
    this.#step.dispose()
    for (const optimizer of this.#trained.optimizers) optimizer.dispose()
    this.#trained.average?.dispose()
  }

  /** Where the training starts, or continues. */
  private async begin(): Promise<Progress> {
    const { out, resume } = this.config
    const config = configFingerprint(this.config, this.#trained.optimizers)
    const newest = await this.#checkpoints.newest()
    this.#begunFrom = newest
    if (newest === undefined) return { ...this.#progress, config }
    if (resume) return loadCheckpoint(newest, this.#trained, config, (place) => this.poolNow(place))
    throw new FileError('The folder already holds a training', {
      expected: 'a folder without checkpoints',
      found: path.basename(newest),
      where: out,
      hint: 'Resume it (resume: true, --resume), or give another folder.',
    })
  }

  /** What a pool of the data is now. */
  private async poolNow({ epoch, pool }: { readonly epoch: number; readonly pool: number }): Promise<Fingerprint> {
    const { data } = this.config
    return this.fingerprintOf((await data.pool(pool, orderOf(this.config, epoch))) ?? [])
  }

  /** Computed once for a pool that comes again. */
  private fingerprintOf(samples: readonly Sample[]): Fingerprint {
    const found = this.#fingerprints.get(samples) ?? fingerprintOf(samples, this.config.data)
    this.#fingerprints.set(samples, found)
    return found
  }

  /** While a step runs, the batch of the next one is prepared. */
  private async takeSteps(begun: Progress, log: TrainingLog): Promise<Progress> {
    const { config } = this
    const { data, processor, signal, steps } = config
    const preparer = imagePreparer(processor.imageProcessor)
    const samples = sampleBatches(data, { ...config, from: begun.position })
    const batches = preparedBatches(samples, preparer, config)
    const pace = paceFrom(begun.step, steps, config.batchSize)
    let progress = begun
    let running: Promise<Progress> | undefined
    try {
      for (let { step } = begun; step < steps; step++) {
        const batch = await nextOf(batches, signal)
        const inputs = batch && this.#objective.inputsOf(batch, step)
        progress = (await running) ?? progress
        running = undefined
        if (!inputs || signal?.aborted) break
        running = this.takeStep(batch, inputs, progress, pace, log)
        running.catch(() => undefined) // it is thrown where it is awaited
      }
      return (await running) ?? progress
    } finally {
      await Promise.allSettled([running])
      await batches.return(undefined)
      preparer.dispose()
      this.#objective.end?.()
    }
  }

  /** One step and what follows it: metrics, evaluations, a checkpoint. */
  private async takeStep(
    batch: PreparedBatch,
    arrays: Arrays,
    before: Progress,
    pace: Pace,
    log: TrainingLog,
  ): Promise<Progress> {
    const { saveEvery, onStep } = this.config
    const lrScale = this.config.schedule(before.step)
    const step = before.step + 1
    const [loss, gradientNorm] = await this.compute(arrays, lrScale, step)
    log.write(step, { loss, gradientNorm, lrScale, ...pace(step) })
    onStep?.({ step, steps: this.steps, epoch: batch.epoch, loss, gradientNorm, lrScale, ...pace(step) })
    const { epoch, pool } = batch
    const data = pool && { epoch, pool: pool.place, fingerprint: this.fingerprintOf(pool.samples) }
    const progress = { ...before, step, position: batch.next, data }
    if (step === this.steps) return progress // its end is another's
    await unlessAborted(this.config.signal, () => this.evaluateNow(step, log))
    if (step % saveEvery === 0) await this.save(progress)
    return progress
  }

  /** Writes a checkpoint. The last update may have made what no later step has seen. @throws {TrainingError} */
  private async save(progress: Progress): Promise<string> {
    for (const [name, variable] of this.#trained.parameters) {
      if (await firstNonFiniteOf(variable)) throw diverged(`step ${progress.step}, parameter ${name} after it`)
    }
    return this.#checkpoints.save(this.#trained, progress)
  }

  /** @returns loss and length of the gradient */
  private async compute(arrays: Arrays, lrScale: number, step: number): Promise<readonly [number, number]> {
    for (const optimizer of this.#trained.optimizers) optimizer.scaleLearningRate(lrScale)
    const inputs = tensors(arrays)
    const result = await this.#step.async(inputs).finally(() => {
      tf.dispose(inputs)
    })
    try {
      const [loss = NaN] = await result.loss.data()
      const [norm = NaN] = await result.norm.data()
      if (Number.isFinite(loss) && Number.isFinite(norm)) return [loss, norm]
      throw diverged(
        `step ${step}, ${await this.firstBad(arrays, await result.norms.data<'float32'>())}`,
        `a loss of ${loss}`,
      )
    } finally {
      tf.dispose({ ...result })
    }
  }

  /** The first tensor of the step that has a number which is none: of the batch, the parameters, the gradients. */
  private async firstBad(arrays: Arrays, norms: Float32Array): Promise<string> {
    const isBad = (values: ArrayLike<number>): boolean =>
      Array.prototype.some.call(values, (value) => !Number.isFinite(value))
    for (const [name, { data }] of Object.entries(arrays)) if (isBad(data)) return `${name} of the batch`
    const { parameters, optimizers } = this.#trained
    for (const [name, variable] of parameters) if (isBad(await variable.data())) return `parameter ${name}`
    const variables = optimizers.flatMap((optimizer) => optimizer.variables)
    const bad = variables[norms.findIndex((norm) => !Number.isFinite(norm))]
    const [name] = [...parameters].find(([, variable]) => variable === bad) ?? []
    return name === undefined ? 'the loss' : `gradient of ${name}`
  }

  /** The evaluators whose turn it is, with the averages where there are some. */
  private async evaluateNow(step: number, log: TrainingLog): Promise<void> {
    const due = Object.entries(this.config.evaluators).filter(([, { every }]) => every && step % every === 0)
    if (due.length === 0) return
    const { average, parameters } = this.#trained
    const before = average ? [...parameters.values()].map((variable) => [variable, tf.clone(variable)] as const) : []
    try {
      this.takeAverage()
      await this.evaluate(step, log, Object.fromEntries(due))
    } finally {
      for (const [variable, value] of before) variable.assign(value)
      tf.dispose(before.map(([, value]) => value))
    }
  }

  private async evaluate(
    step: number,
    log: TrainingLog,
    evaluators = this.config.evaluators,
  ): Promise<TrainResult['figures']> {
    const figures = new Map<string, Readonly<Record<string, number>>>()
    for (const [name, { evaluate }] of Object.entries(evaluators)) {
      const found = await evaluate()
      figures.set(name, found)
      const named = Object.entries(found).map(([figure, value]) => [`${name}/${figure}`, value] as const)
      log.write(step, Object.fromEntries(named))
    }
    return Object.fromEntries(figures)
  }

  /** Gives the parameters their averages, where there are some. */
  private takeAverage(): void {
    const { average, parameters } = this.#trained
    for (const [name, value] of average?.state() ?? []) parameters.get(name)?.assign(value)
  }

  private async saveModel(): Promise<string> {
    const { out, lora, baseModel } = this.config
    const folder = path.join(out, 'model')
    const { model, loss, processor } = this.#trained
    if (lora) {
      await saveLora(lora, path.join(out, 'adapter'), { baseModel })
      mergeLora(lora)
    }
    await saveFolder(folder, new Map([...trainedFiles(model, loss), ...processor.toFiles()]), {
      replaces: isSavedWeightFile,
    })
    return folder
  }
}

const diverged = (where: string, found?: string): TrainingError =>
  new TrainingError('The training diverged', {
    expected: 'a finite loss and gradient',
    found,
    where,
    hint: 'Use a smaller learning rate or a longer warm-up in another folder.',
  })

type Pace = (step: number) => { readonly imagesPerSecond: number; readonly secondsLeft: number }

function paceFrom(begun: number, steps: number, batchSize: number): Pace {
  const since = Date.now()
  return (step) => {
    const imagesPerSecond = ((step - begun) * batchSize * 1000) / Math.max(1, Date.now() - since)
    return { imagesPerSecond, secondsLeft: ((steps - step) * batchSize) / imagesPerSecond }
  }
}

/** Undefined at the end, or when the signal says so. */
async function nextOf<T>(items: AsyncIterator<T>, signal: AbortSignal | undefined): Promise<T | undefined> {
  if (signal?.aborted) return undefined
  const next = await unlessAborted(signal, () => items.next())
  return next === undefined || next.done ? undefined : next.value
}

/** What a signal interrupts has no result: undefined. */
async function unlessAborted<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work()
  } catch (error) {
    if (signal?.aborted) return undefined
    throw error
  }
}

function tensors(arrays: Arrays): Inputs {
  const made = Object.entries(arrays).map(([name, array]) => {
    return [name, tf.tensor(array.data, [...array.shape], isInt32(array) ? 'int32' : 'float32')] as const
  })
  return Object.fromEntries(made)
}
