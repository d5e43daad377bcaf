import * as tf from '@tensorflow/tfjs'
import { ConfigError, InputError } from '../errors.js'
import { seedOf } from '../random.js'
import type { Initializer } from './initializers.js'

/** What a layer declares: a parameter's shape as in torch, its first values, and its whole name as in transformers. */
export interface ParameterSpec {
  /** E.g. `vision_model.encoder.layers.0.self_attn.q_proj.weight`. */
  readonly name: string
  readonly shape: readonly number[]
  readonly initializer: Initializer
  /** False for torch's buffers: saved with the weights, updated by no optimizer. */
  readonly trainable: boolean
}

/** Where the values of parameters come from: a random generator or a checkpoint. */
export type ParameterSource = (spec: ParameterSpec) => tf.Tensor

/** Random values; a parameter's seed is made of `seed` and its name. @throws {InputError} for a seed that is not a whole number */
export function randomSource(seed: number = Math.floor(Math.random() * 2 ** 32)): ParameterSource {
  if (!Number.isSafeInteger(seed))
    throw new InputError('Invalid seed', { expected: 'a whole number', found: `${seed}` })
  return ({ name, shape, initializer }) => tf.tensor(initializer(shape, seedOf(seed, name)), [...shape])
}

/**
 * A weight of a layer. Its variable and its gradient are named as in transformers. In the files of tfjs's `model.save` the name starts
 * with the layer's, so that two towers can be in one `tf.model`.
 */
export class Parameter extends tf.LayerVariable {
  override readonly originalName: string
  readonly parameterName: string

  constructor(value: tf.Tensor, spec: ParameterSpec, layerName: string) {
    super(value, 'float32', spec.name, spec.trainable)
    this.parameterName = spec.name
    this.originalName = `${layerName}/${spec.name}`
  }

  get variable(): tf.Variable {
    return this.val
  }

  /** @throws {InputError} once the layer is disposed */
  override read(): tf.Variable {
    if (!this.val.isDisposed) return this.val
    throw new InputError('The model is disposed', { where: this.parameterName, hint: 'Load it again.' })
  }

  /** Idempotent: parent and child both dispose of the same weight. */
  override dispose(): void {
    if (!this.val.isDisposed) this.val.dispose()
  }
}

/**
 * The position of a layer in its model: the prefix of its parameters' names, and the source of their values. Layers are built from
 * the root down; each hands `scope.at('self_attn')` to the part of that name.
 */
export class ParameterScope {
  constructor(
    private readonly source: ParameterSource,
    private readonly path = '',
    private readonly layerName = '',
    private readonly made: Parameter[] = [],
  ) {}

  /** Random values; the same seed gives the same ones. Default: a random seed. */
  static random(seed?: number): ParameterScope {
    return new ParameterScope(randomSource(seed))
  }

  /** The scope of the part of that name. */
  at(name: string): ParameterScope {
    return new ParameterScope(this.source, this.join(name), this.layerName, this.made)
  }

  /** The same scope, inside the layer of that name if it isn't inside one already. */
  within(layerName: string): ParameterScope {
    return this.layerName ? this : new ParameterScope(this.source, this.path, layerName)
  }

  /** Makes a parameter, or frees the layer's earlier ones. @throws {ConfigError} for a shape that no tensor can have */
  parameter(name: string, shape: readonly number[], initializer: Initializer, trainable = true): Parameter {
    const spec = { name: this.join(name), shape, initializer, trainable }
    try {
      checkShape(spec)
      const value = this.source(spec)
      const parameter = new Parameter(value, spec, this.layerName)
      value.dispose() // the variable holds the data now
      this.made.push(parameter)
      return parameter
    } catch (error) {
      for (const parameter of this.made) parameter.dispose()
      throw error
    }
  }

  /** A seed for this layer, derived from the seed of the whole model. */
  seed(seed: number): number {
    return seedOf(seed, this.path)
  }

  /** A whole name without this scope's prefix. */
  relative(name: string): string {
    return this.path ? name.slice(this.path.length + 1) : name
  }

  private join(name: string): string {
    return this.path ? `${this.path}.${name}` : name
  }
}

/** tfjs counts elements in 32 bits; a shape is checked before memory is allocated. */
function checkShape({ name, shape }: ParameterSpec): void {
  const size = shape.reduce((product, n) => product * n, 1)
  if (shape.every((n) => Number.isInteger(n) && n > 0) && size < 2 ** 31) return
  const expected = 'whole numbers from 1, of a product below 2^31'
  throw new ConfigError('Invalid tensor shape', { expected, found: `[${shape.join(', ')}]`, where: name })
}

/** Where a layer's parameters come from, and what tfjs calls it. Defaults: random values, and a name made of the class's. */
export interface LayerOptions {
  readonly scope?: ParameterScope | undefined
  readonly name?: string | undefined
}

/**
 * A tfjs layer with parameters and sublayers, all created in its constructor, as in torch: a model can be inspected,
 * loaded and saved before its first input. Its weights are its own and its sublayers', in the order of declaration. A subclass has a typed
 * `forward`, which leaves its intermediate tensors to the caller's `tf.tidy`; tfjs calls it through `infer`.
 */
export abstract class Module<Config extends object = object> extends tf.layers.Layer {
  readonly #parameters: Parameter[] = []
  readonly #parts: Module[] = []
  protected readonly scope: ParameterScope

  /** @param config the layer's sizes and settings; `model.save` writes them as JSON beside the weights */
  constructor(
    readonly config: Config,
    { scope = ParameterScope.random(), name }: LayerOptions = {},
  ) {
    super(name === undefined ? {} : { name })
    this.scope = scope.within(this.name)
    this.built = true
  }

  /** What tfjs gets for these inputs, in `apply`, `fit` and `predict`. */
  protected abstract infer(inputs: readonly tf.Tensor[], training: boolean): tf.Tensor | tf.Tensor[]

  /** Every parameter and buffer, its own and its parts'. */
  parameters(): readonly Parameter[] {
    return this.#parameters
  }

  /** This layer and every layer in it. */
  *modules(): Generator<Module> {
    yield this
    for (const part of this.#parts) yield* part.modules()
  }

  /** Declares a weight of this layer; see {@link ParameterScope.parameter}. */
  protected parameter(name: string, shape: readonly number[], initializer: Initializer, trainable = true): Parameter {
    const parameter = this.scope.parameter(name, shape, initializer, trainable)
    this.own(parameter)
    return parameter
  }

  /** Makes a layer that is a part of this one. Its weights are this layer's, too, under its name. */
  protected part<C, T extends Module>(
    name: string,
    Layer: new (config: C, options: LayerOptions) => T,
    config: NoInfer<C>,
  ): T {
    const layer = new Layer(config, { scope: this.scope.at(name) })
    this.#parts.push(layer)
    for (const parameter of layer.#parameters) this.own(parameter)
    return layer
  }

  private own(parameter: Parameter): void {
    this.#parameters.push(parameter)
    if (parameter.trainable) this._trainableWeights.push(parameter)
    else this.nonTrainableWeights = [...this.nonTrainableWeights, parameter]
  }

  override call(inputs: tf.Tensor | tf.Tensor[], kwargs: { training?: unknown } = {}): tf.Tensor | tf.Tensor[] {
    return tf.tidy(() => this.infer(Array.isArray(inputs) ? inputs : [inputs], kwargs.training === true))
  }

  /** What `model.save` writes. tfjs rewrites each string and key to snake_case and back; escaped, the settings stay as they are. */
  override getConfig(): tf.serialization.ConfigDict {
    const escape = (char: string): string => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`
    return { ...super.getConfig(), settings: JSON.stringify(this.config).replace(/[A-Z_]|[^\x20-\x7e]/g, escape) }
  }

  static override fromConfig<T extends tf.serialization.Serializable>(
    cls: tf.serialization.SerializableConstructor<T>,
    config: tf.serialization.ConfigDict,
  ): T {
    if (typeof config['settings'] !== 'string')
      throw new ConfigError('The layer was not saved by this package', { expected: 'settings', where: cls.className })
    const layer = new cls(JSON.parse(config['settings']), { name: config['name'] })
    if (layer instanceof tf.layers.Layer) layer.trainable = config['trainable'] !== false
    return layer
  }

  /** Frees the weights once every `tf.model` that the layer is in is disposed. Has no effect the second time. */
  override dispose(): ReturnType<tf.layers.Layer['dispose']> {
    if (this._refCount === 0) return { refCountAfterDispose: 0, numDisposedVariables: 0 }
    this._refCount ??= 1 // tfjs counts symbolic uses; a layer without one is freed at once
    return super.dispose()
  }
}
