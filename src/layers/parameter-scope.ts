import * as tf from '@tensorflow/tfjs'
import { ConfigError, InputError } from '../errors.js'
import type { Initializer } from './initializers.js'
import { seedOf } from '../random.js'

/** What a layer declares: a parameter's name as in transformers, its shape as in torch, and where its values start. */
export interface ParameterSpec {
  /** The whole name, e.g. `vision_model.encoder.layers.0.self_attn.q_proj.weight`. */
  readonly name: string
  readonly shape: readonly number[]
  readonly initializer: Initializer
  /** False for torch's buffers: saved with the weights, moved by no optimizer. */
  readonly trainable: boolean
}

/** Where the values of parameters come from: a random generator, a checkpoint, or nowhere yet. */
export type ParameterSource = (spec: ParameterSpec) => tf.Tensor

/**
 * Each parameter starts from a seed of its own, made of `seed` and its name: the order of building is of no account.
 * @throws {InputError} for a seed that is no whole number
 */
export function randomSource(seed: number = Math.floor(Math.random() * 2 ** 32)): ParameterSource {
  if (!Number.isSafeInteger(seed)) {
    throw new InputError('bad seed', { expected: 'a whole number', found: String(seed) })
  }
  return ({ name, shape, initializer }) => tf.tensor(initializer(shape, seedOf(seed, name)), [...shape])
}

/**
 * A weight of a layer. Its variable is named as in transformers, so gradients are too; in files that tfjs itself writes
 * (`model.save`) it is prefixed with its layer's name, so that two towers can live in one `tf.model`.
 */
export class Parameter extends tf.LayerVariable {
  override readonly originalName: string

  constructor(value: tf.Tensor, spec: ParameterSpec, layerName: string) {
    super(value, 'float32', spec.name, spec.trainable)
    this.parameterName = spec.name
    this.originalName = `${layerName}/${spec.name}`
  }

  readonly parameterName: string

  get variable(): tf.Variable {
    return this.val
  }

  /** @throws {InputError} once the layer is disposed */
  override read(): tf.Variable {
    if (!this.val.isDisposed) return this.val
    throw new InputError('The model is disposed', { where: this.parameterName, hint: 'Load it again.' })
  }

  /** Of no effect the second time: a part's weights are its model's, too. */
  override dispose(): void {
    if (!this.val.isDisposed) this.val.dispose()
  }
}

/**
 * The place of a layer in its model: the prefix of its parameters' names, and where their values come from. Layers are built
 * from the root down, each handing `scope.at('self_attn')` to its parts.
 */
export class ParameterScope {
  constructor(
    private readonly source: ParameterSource,
    private readonly path: string = '',
    private readonly layerName: string = '',
    private readonly made: Parameter[] = [],
  ) {}

  /** A model whose parameters start at random. */
  static random(seed?: number): ParameterScope {
    return new ParameterScope(randomSource(seed))
  }

  /** The scope of a part of that name. */
  at(name: string): ParameterScope {
    return new ParameterScope(this.source, this.join(name), this.layerName, this.made)
  }

  /** The same scope, inside the layer of that name if it isn't inside one already. */
  within(layerName: string): ParameterScope {
    return this.layerName ? this : new ParameterScope(this.source, this.path, layerName)
  }

  /**
   * If it can't be made, what was made of the layer before it is freed.
   * @throws {ConfigError} for a shape that no tensor has
   */
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

  /** A seed of this place's own, made of a seed for the whole model. */
  seed(seed: number): number {
    return seedOf(seed, this.path)
  }

  /** A whole name as it is called from here: without this scope's prefix. */
  relative(name: string): string {
    return this.path ? name.slice(this.path.length + 1) : name
  }

  private join(name: string): string {
    return this.path ? `${this.path}.${name}` : name
  }
}

/** Where a layer's parameters are, and what tfjs shall call it. Both have defaults: a random start, and a name made of the class's. */
export interface LayerOptions {
  readonly scope?: ParameterScope | undefined
  readonly name?: string | undefined
}

/** tfjs counts elements in 32 bits; and no memory is taken for a size that can't be. */
function checkShape({ name, shape }: ParameterSpec): void {
  const size = shape.reduce((product, n) => product * n, 1)
  if (shape.every((n) => Number.isInteger(n) && n > 0) && size < 2 ** 31) return
  throw new ConfigError('no tensor has this shape', {
    expected: 'whole numbers from 1, of a product below 2^31',
    found: `[${shape.join(', ')}]`,
    where: name,
  })
}
