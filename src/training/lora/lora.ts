import * as tf from '@tensorflow/tfjs'
import { Linear, linear } from '../../layers/linear.js'
import type { PreTrainedModel } from '../../models/loading/pre-trained-model.js'

/** The update of a linear layer: (alpha / r) · B·A, r being the rank. */
export interface LoraAdapter {
  readonly layer: Linear
  /** `[r, in]` */
  readonly a: tf.Variable<tf.Rank.R2>
  /** `[out, r]` */
  readonly b: tf.Variable<tf.Rank.R2>
  readonly alpha: number
}

/** The LoRA scale, alpha / r. */
export const scaleOf = ({ a, alpha }: LoraAdapter): number => alpha / a.shape[0]

/** Parameters of a model that are trained whole beside its adapters. */
export interface WholeModules {
  /** Of the modules, as peft's `modules_to_save` has them, e.g. `classifier`. */
  readonly names: readonly string[]
  /** The model's own variables. */
  readonly parameters: ReadonlyMap<string, tf.Variable>
}

/**
 * Low-rank adapters on a model's linear layers (Hu et al. 2022, "LoRA: Low-Rank Adaptation of Large Language Models", section 4.1), made
 * by `addLora` or `loadLora`. The model computes with them until they are merged or removed. To train only them:
 * `new AdamW({ parameters: lora.namedParameters() })`.
 */
export class Lora {
  /** By the layer's name. */
  readonly adapters: ReadonlyMap<string, LoraAdapter>
  /** The fully trained modules, saved with the adapters. */
  readonly whole: WholeModules

  constructor(adapters: ReadonlyMap<string, LoraAdapter>, whole: WholeModules = { names: [], parameters: new Map() }) {
    this.adapters = adapters
    this.whole = whole
    for (const adapter of adapters.values()) {
      const scale = scaleOf(adapter)
      adapter.layer.adapt((x) => tf.mul(linear(linear(x, adapter.a), adapter.b), scale))
    }
  }

  /**
   * The adapters' matrices, e.g. `text_model.encoder.layers.0.self_attn.q_proj.lora_A.weight`, and what is trained whole: the variables
   * themselves.
   */
  namedParameters(): Map<string, tf.Variable> {
    const matrices = [...this.adapters].flatMap(([name, { a, b }]): [string, tf.Variable][] => [
      [`${name}.lora_A.weight`, a],
      [`${name}.lora_B.weight`, b],
    ])
    return new Map([...matrices, ...this.whole.parameters])
  }

  /** Removes the adapters and frees them: the model computes as before, except for fully trained modules. */
  remove(): void {
    for (const { layer, a, b } of this.adapters.values()) {
      layer.adapt(undefined)
      tf.dispose([a, b])
    }
  }
}

/**
 * A model's linear layers by their names, e.g. `text_model.encoder.layers.0.self_attn.q_proj`. Not among them: the output projection of
 * the pooling head's attention, of which torch's `MultiheadAttention` reads only the weight, past any adapter.
 */
export function linearLayers(model: PreTrainedModel): Map<string, Linear> {
  const names = new Map([...model.namedParameters()].map(([name, variable]) => [variable, name]))
  const named = [...model.modules()].flatMap((module): [string, Linear][] => {
    const name = module instanceof Linear ? names.get(module.weight.variable)?.replace(/\.weight$/, '') : undefined
    return module instanceof Linear && name !== undefined ? [[name, module]] : []
  })
  return new Map(named.filter(([name]) => !/(^|\.)head\.attention\.out_proj$/.test(name)))
}

/** Those of the modules that a model has: a name is a module's whole path or the end of it, so `head` is `text_model.head`. */
export function wholeModules(model: PreTrainedModel, names: readonly string[]): WholeModules {
  const parameters = [...model.namedParameters()]
  const inside = (module: string) => parameters.filter(([name]) => `.${name}`.includes(`.${module}.`))
  const known = names.filter((module) => inside(module).length > 0)
  return { names: known, parameters: new Map(known.flatMap(inside)) }
}
