import * as tf from '@tensorflow/tfjs'
import { tellUnchosen } from '#backend'
import { saveFolder } from '#save-folder'
import { checkFinite } from '../../../converters/formats/finite-values.js'
import { jsonFile } from '../../../converters/configs/json-file.js'
import type { FileContent } from '../../io/save-folder.js'
import { isSavedWeightFile, weightFiles, type WeightFilesOptions } from '../../../converters/formats/weight-files.js'
import { withDtype } from '../../../converters/configs/with-dtype.js'
import { InputError } from '../../errors.js'
import type { CheckpointSource } from '../../hub/checkpoint-folder.js'
import { Module, ParameterScope } from '../../layers/module.js'
import { loadPretrained, type LoadOptions, type ModelClass } from './load-pretrained.js'
import { compareWeights, weightsError, type LoadingInfo } from './compare-weights.js'
import type { PretrainedConfig } from './pretrained-config.js'
import { checkTensorInput, toTensor, type TensorInput } from '../../backend/tensor-input.js'

/** How a model is made. */
export interface ModelOptions {
  /** Of the random weights; the same seed gives the same ones. Default: random. */
  readonly seed?: number | undefined
  /** The tfjs layer's name. Default: made of the class's. */
  readonly name?: string | undefined
  /** Where the weights come from, and the prefix of their names. Default: random, none. */
  readonly scope?: ParameterScope | undefined
}

/** A model with a configuration and with weights under transformers' names. */
export abstract class PreTrainedModel<Config extends PretrainedConfig = PretrainedConfig> extends Module<Config> {
  constructor(config: Config, { seed, name, scope }: ModelOptions) {
    if (!scope) tellUnchosen()
    super(config, { scope: scope ?? ParameterScope.random(seed), name })
  }

  /**
   * A model from the weights and the configuration of a checkpoint folder. A tower loads from its own or from a whole model's; a base
   * model loads as a classifier whose last layer starts at random.
   * @throws {FileError | ConfigError | FormatError | WeightsError}
   */
  static fromPretrained<T extends ModelClass>(
    this: T,
    source: CheckpointSource,
    options?: LoadOptions,
  ): Promise<InstanceType<T>> {
    return loadPretrained(this, source, options)
  }

  /**
   * Every weight under its name in transformers, in the order of declaration: the variables themselves, which stay the model's.
   * Their shapes are torch's.
   */
  namedParameters(): Map<string, tf.Variable> {
    return new Map(this.parameters().map((parameter) => [this.localName(parameter.parameterName), parameter.variable]))
  }

  /** Number of trainable values. */
  numParameters(): number {
    return this.parameters().reduce((sum, { trainable, variable }) => sum + (trainable ? variable.size : 0), 0)
  }

  /**
   * Copies values into the weights: all or, if anything is wrong, none.
   * @param options.strict whether missing and unexpected names are an error. Default: true; another shape always is
   * @throws {WeightsError} that lists all faults; or names a value that is NaN or infinite (tensors on a GPU are not checked)
   * @throws {InputError} for a value that is not a tensor, or is disposed of
   */
  loadStateDict(state: ReadonlyMap<string, TensorInput>, options: { readonly strict?: boolean } = {}): LoadingInfo {
    const { strict = true } = options
    const parameters = this.namedParameters()
    if (Object.prototype.toString.call(state) !== '[object Map]') {
      throw new InputError('Invalid state dict', {
        expected: 'a Map from names to tensors',
        found: Object.prototype.toString.call(state).slice(8, -1),
        hint: 'Of a plain object, new Map(Object.entries(…)) makes one.',
      })
    }
    for (const [name, value] of state) checkTensorInput(value, name)
    const info = compareWeights(shapesOf(parameters), shapesOf(state))
    if (info.mismatchedKeys.length > 0 || (strict && info.missingKeys.length + info.unexpectedKeys.length > 0)) {
      throw weightsError(info, state.keys(), 'loadStateDict')
    }
    const isAway = tf.getBackend().startsWith('web') // reading back costs more there than loading
    for (const [name, value] of state) {
      if (!parameters.has(name) || (value instanceof tf.Tensor && isAway)) continue
      checkFinite(value instanceof tf.Tensor ? value.dataSync() : value.data, name, 'loadStateDict')
    }
    tf.tidy(() => {
      for (const [name, variable] of parameters) {
        const value = state.get(name)
        if (value) variable.assign(toTensor(value, name, 'float32'))
      }
    })
    return info
  }

  /**
   * Writes `config.json` and the weights into a folder that transformers loads, all or nothing. What else is in the folder stays.
   * @throws {FileError} if it can't be written; InputError if the model is disposed; WeightsError for a weight that is NaN, infinite or
   * too large for the type
   */
  async savePretrained(folder: string, options?: WeightFilesOptions): Promise<void> {
    await saveFolder(folder, this.toFiles(options), { replaces: isSavedWeightFile })
  }

  /**
   * What `savePretrained` writes: file names and what they hold; of weights, what makes the bytes piece by piece.
   * @throws {InputError} if the model is disposed
   */
  toFiles(options?: WeightFilesOptions): Map<string, FileContent> {
    for (const parameter of this.parameters()) parameter.read() // throws before anything is written
    const parameters = this.namedParameters()
    const read = async (name: string): Promise<Float32Array<ArrayBuffer>> => {
      const values = Float32Array.from((await parameters.get(name)?.data<'float32'>()) ?? [])
      checkFinite(values, name, this.getClassName(), options?.dtype)
      return values
    }
    const tensors = new Map([...parameters].map(([name, { shape }]) => [name, { dtype: 'F32' as const, shape }]))
    const json = { ...this.config.toJSON(), architectures: [this.getClassName()] }
    const config = jsonFile(withDtype(json, nameOfDtype[options?.dtype ?? 'F32']))
    return new Map<string, FileContent>([['config.json', config], ...weightFiles({ tensors, read }, options)])
  }

  /** A tower inside a model is saved under its own names when it is saved separately. */
  private localName(name: string): string {
    return this.scope.relative(name)
  }
}

/** torch's names of the types that weights are saved in. */
const nameOfDtype = { F64: 'float64', F32: 'float32', F16: 'float16', BF16: 'bfloat16' }

const shapesOf = (
  tensors: ReadonlyMap<string, { readonly shape: readonly number[] }>,
): Map<string, readonly number[]> => new Map([...tensors].map(([name, { shape }]) => [name, shape]))
