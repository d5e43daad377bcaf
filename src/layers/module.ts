import * as tf from '@tensorflow/tfjs'
import { ConfigError } from '../errors.js'
import type { Initializer } from './initializers.js'
import type { Parameter, ParameterScope } from './parameter-scope.js'

/** Values that `JSON.stringify` and `JSON.parse` keep. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json | undefined }

/**
 * A tfjs layer made of parameters and of other such layers. All are made in its constructor, as in torch, so that a model can
 * be inspected, loaded and saved before it has seen an input; its weights are its own and its parts', in the order in which they
 * were declared.
 *
 * A subclass has a typed `forward`, which leaves its intermediate tensors to the caller's `tf.tidy`; `infer` leads tfjs to it.
 */
export abstract class Module extends tf.layers.Layer {
  readonly #parameters: Parameter[] = []
  readonly #parts: Module[] = []
  protected readonly scope: ParameterScope

  constructor(scope: ParameterScope, name?: string) {
    super(name === undefined ? {} : { name })
    this.scope = scope.within(this.name)
    this.built = true
  }

  /** The first argument of the constructor, as JSON: what `model.save` keeps of the layer beside its weights. */
  protected abstract settings(): Json

  /** What tfjs gets for these inputs, in `apply`, `fit` and `predict`. */
  protected abstract infer(inputs: readonly tf.Tensor[], training: boolean): tf.Tensor | tf.Tensor[]

  /** Every parameter and buffer, own and of its parts. */
  parameters(): readonly Parameter[] {
    return this.#parameters
  }

  /** This layer, and all that it is made of. */
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

  /** Takes a layer's weights as this layer's own, too. */
  protected part<T extends Module>(layer: T): T {
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

  /**
   * What `model.save` writes. tfjs rewrites every string and key of it to snake_case and back; in JSON's own escapes the settings
   * come through as they are.
   */
  override getConfig(): tf.serialization.ConfigDict {
    const escape = (char: string): string => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`
    return { ...super.getConfig(), settings: JSON.stringify(this.settings()).replace(/[A-Z_]|[^\x20-\x7e]/g, escape) }
  }

  static override fromConfig<T extends tf.serialization.Serializable>(
    cls: tf.serialization.SerializableConstructor<T>,
    config: tf.serialization.ConfigDict,
  ): T {
    if (typeof config['settings'] !== 'string') {
      throw new ConfigError('not a layer that this package saved', { expected: 'settings', where: cls.className })
    }
    const layer = new cls(JSON.parse(config['settings']), { name: config['name'] })
    if (layer instanceof tf.layers.Layer) layer.trainable = config['trainable'] !== false
    return layer
  }

  /** Frees the weights once every `tf.model` that the layer is in is disposed. Of no effect the second time. */
  override dispose(): ReturnType<tf.layers.Layer['dispose']> {
    if (this._refCount === 0) return { refCountAfterDispose: 0, numDisposedVariables: 0 }
    this._refCount ??= 1 // tfjs counts symbolic uses; a layer without one is freed at once
    return super.dispose()
  }
}
