import { readdir, rm } from 'node:fs/promises'
import path from 'node:path'
import * as tf from '@tensorflow/tfjs'
import { openFolder } from '#open-folder'
import { saveFolder } from '#save-folder'
import { checkFinite } from '../../converters/formats/finite-values.js'
import { jsonFile } from '../../converters/configs/json-file.js'
import type { FileContent } from '../io/save-folder.js'
import { layoutSafetensors } from '../../converters/formats/serialize-safetensors.js'
import { openWeights } from '../../converters/formats/open-weights.js'
import type { Weights } from '../../converters/formats/weights.js'
import { ConfigError } from '../errors.js'
import { isObject } from '../io/is-object.js'
import type { PreTrainedModel } from '../models/loading/pre-trained-model.js'
import type { Position } from './data/batches.js'
import { checkSameConfig, type ConfigFingerprint } from './config-fingerprint.js'
import { checkSameData, storedFingerprint, type Fingerprint } from './data/fingerprint.js'
import type { ExponentialAverage } from './optimizers/exponential-average.js'
import { loadState } from './optimizers/load-state.js'
import type { TrainConfig } from './train-config.js'
import { trainedFiles } from './trained-files.js'
import type { Optimizer } from './optimizers/optimizer.js'
import { readJsonObject } from '../hub/read-json.js'

/** How far a training is, beside its tensors. */
export interface Progress {
  /** Steps done. */
  readonly step: number
  /** Where the data continues. */
  readonly position: Position
  /** What the training's numbers depend on. */
  readonly config: ConfigFingerprint
  /** The pool that the last step's batch came from. */
  readonly data?: TrainedData | undefined
}

/** A pool that was trained on. */
export interface TrainedData {
  readonly epoch: number
  readonly pool: number
  readonly fingerprint: Fingerprint
}

/** All that a training changes. */
export interface Trained {
  readonly model: PreTrainedModel
  readonly loss: TrainConfig['loss']
  readonly processor: { toFiles(): ReadonlyMap<string, Uint8Array> }
  /** What is moved; beside the model's, adapters. */
  readonly parameters: ReadonlyMap<string, tf.Variable>
  readonly optimizers: readonly Optimizer[]
  readonly average: ExponentialAverage | undefined
}

const STATE = 'training.safetensors'
const PROGRESS = 'training.json'

/** The checkpoints of a training, a folder for each: `checkpoints/step-1000`. Each is whole or not there. */
export class Checkpoints {
  readonly #folder: string

  constructor(
    out: string,
    private readonly keep: number,
  ) {
    this.#folder = path.join(out, 'checkpoints')
  }

  /** The newest one's folder. */
  async newest(): Promise<string | undefined> {
    const last = (await this.steps()).at(-1)
    return last === undefined ? undefined : this.folderOf(last)
  }

  /**
   * Writes model, processor, optimizers, average and progress; then older ones that are too many go.
   * @returns its folder, which loads as a model, too
   */
  async save(trained: Trained, progress: Progress): Promise<string> {
    const folder = this.folderOf(progress.step)
    const files = new Map<string, FileContent>([
      ...trainedFiles(trained.model, trained.loss),
      ...trained.processor.toFiles(),
      [STATE, stateFile(stateOf(trained))],
      [PROGRESS, jsonFile({ ...progress })],
    ])
    await saveFolder(folder, files)
    for (const step of (await this.steps()).slice(0, -this.keep)) {
      await rm(this.folderOf(step), { recursive: true, force: true })
    }
    return folder
  }

  private folderOf(step: number): string {
    return path.join(this.#folder, `step-${step}`)
  }

  private async steps(): Promise<readonly number[]> {
    const names = await readdir(this.#folder).catch(() => [])
    return names
      .flatMap((name) => /^step-(\d+)$/.exec(name)?.[1] ?? [])
      .map(Number)
      .sort((a, b) => a - b)
  }
}

/**
 * Restores the state of a training from a checkpoint.
 * @param poolOf the samples of a pool now
 * @throws {ConfigError} for a checkpoint of a training with other options or data; FileError | WeightsError for one that is damaged
 */
export async function loadCheckpoint(
  folder: string,
  trained: Trained,
  config: ConfigFingerprint,
  poolOf: (place: Omit<TrainedData, 'fingerprint'>) => Promise<Fingerprint>,
): Promise<Progress> {
  const opened = await openFolder(folder)
  const progress = checkedProgress(await readJsonObject(opened, PROGRESS), `${folder}/${PROGRESS}`)
  checkSameConfig(progress.config, config, folder)
  if (progress.data) checkSameData(progress.data.fingerprint, await poolOf(progress.data), folder)
  const weights = await openWeights(opened, { file: 'model.safetensors' })
  const state = await openWeights(opened, { file: STATE })
  await readInto(trained.model.namedParameters(), weights)
  await readInto(stateOf(trained), state)
  return progress
}

/** Under names that say whose it is: `optimizer.0/exp_avg/logit_scale`, `average/logit_scale`. */
function stateOf({ model, parameters, optimizers, average }: Trained): ReadonlyMap<string, tf.Variable> {
  const known = model.namedParameters()
  const under = (prefix: string, variables: Iterable<readonly [string, tf.Variable]>): [string, tf.Variable][] =>
    [...variables].map(([name, variable]) => [`${prefix}/${name}`, variable])
  return new Map([
    ...under(
      'parameter',
      [...parameters].filter(([name]) => !known.has(name)),
    ),
    ...optimizers.flatMap((optimizer, i) => under(`optimizer.${i}`, optimizer.state())),
    ...under('average', average?.state() ?? []),
  ])
}

function stateFile(variables: ReadonlyMap<string, tf.Variable>): FileContent {
  const tensors = new Map([...variables].map(([name, { shape }]) => [name, { dtype: 'F32' as const, shape }]))
  const { head, names } = layoutSafetensors(tensors, {})
  return async function* () {
    yield head
    for (const name of names) {
      const values = await variables.get(name)?.data<'float32'>()
      if (!values) continue
      checkFinite(values, name, 'the state of the training')
      yield new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
    }
  }
}

async function readInto(variables: ReadonlyMap<string, tf.Variable>, weights: Weights): Promise<void> {
  const state = new Map<string, tf.Tensor>()
  try {
    for (const [name, { shape }] of weights.tensors) {
      const values = await weights.read(name)
      checkFinite(values, name, weights.location)
      state.set(name, tf.tensor(values, [...shape]))
    }
    loadState(variables, state, weights.location)
  } finally {
    tf.dispose([...state.values()])
  }
}

function checkedProgress(json: Readonly<Record<string, unknown>>, where: string): Progress {
  const { step, position, config } = json
  const data = checkedData(json['data'])
  if (typeof step === 'number' && isObject(position) && isObject(config) && (data || step === 0)) {
    const { epoch, pool, batch } = position
    return {
      step,
      position: { epoch: Number(epoch), pool: Number(pool), batch: Number(batch) },
      data,
      config: Object.fromEntries(Object.entries(config).map(([name, value]) => [name, plain(value)])),
    }
  }
  throw new ConfigError('The file does not hold the progress of a training', {
    expected: 'step, position, config and data',
    found: Object.keys(json).join(', '),
    where,
    hint: 'Delete this checkpoint to resume from the one before it.',
  })
}

/** Undefined before the first step. */
function checkedData(value: unknown): TrainedData | undefined {
  if (!isObject(value)) return undefined
  const fingerprint = storedFingerprint(value['fingerprint'])
  return fingerprint && { epoch: Number(value['epoch']), pool: Number(value['pool']), fingerprint }
}

const plain = (value: unknown): string | number | boolean | null =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : null
