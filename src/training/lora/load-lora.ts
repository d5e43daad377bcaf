import * as tf from '@tensorflow/tfjs'
import { openFolder } from '#open-folder'
import {
  alphaOf,
  bypassed,
  misfit,
  openPeftAdapter,
  PEFT_PREFIX,
  wholeNames,
} from '../../../converters/names/peft-adapter.js'
import { checkFinite } from '../../../converters/formats/finite-values.js'
import type { Weights } from '../../../converters/formats/weights.js'
import type { CheckpointSource } from '../../hub/checkpoint-folder.js'
import type { HubOptions } from '../../hub/hub-options.js'
import type { Linear } from '../../layers/linear.js'
import type { PreTrainedModel } from '../../models/loading/pre-trained-model.js'
import { linearLayers, Lora, wholeModules, type LoraAdapter, type WholeModules } from './lora.js'

/**
 * Puts adapters on a model that peft or `saveLora` has saved, and what was trained whole beside them into its place. An adapter of the
 * output projection of the pooling head's attention is left out: peft's model computes past it, too.
 * @throws {FileError} if a file is missing; ConfigError for adapters of another kind, WeightsError for those of another model
 */
export async function loadLora(model: PreTrainedModel, source: CheckpointSource, options?: HubOptions): Promise<Lora> {
  const folder = await openFolder(source, options)
  const adapter = await openPeftAdapter(folder)
  const { weights } = adapter
  const whole = wholeModules(model, wholeNames(adapter)) // peft names some that a model may lack, as `score`
  const layers = checkedLayers(weights, linearLayers(model), whole)

  const read = async (name: string): Promise<Float32Array<ArrayBuffer>> => {
    const values = await weights.read(name)
    checkFinite(values, name, weights.location)
    return values
  }
  const adapters = new Map<string, LoraAdapter>()
  try {
    for (const [name, layer] of layers) {
      const r = weights.tensors.get(`${PEFT_PREFIX}${name}.lora_A.weight`)?.shape[0] ?? 1
      const alpha = alphaOf(adapter, name, r)
      const values = [
        await read(`${PEFT_PREFIX}${name}.lora_A.weight`),
        await read(`${PEFT_PREFIX}${name}.lora_B.weight`),
      ] as const
      const a = matrix(values[0], [r, layer.inFeatures])
      const b = matrix(values[1], [layer.outFeatures, r])
      adapters.set(name, { layer, a, b, alpha })
    }
    const values = await Promise.all([...whole.parameters.keys()].map((name) => read(`${PEFT_PREFIX}${name}`)))
    for (const [i, variable] of [...whole.parameters.values()].entries()) {
      tf.tidy(() => {
        variable.assign(tf.tensor(values[i] ?? [], variable.shape, variable.dtype))
      })
    }
  } catch (error) {
    for (const { a, b } of adapters.values()) tf.dispose([a, b])
    throw error
  }
  return new Lora(adapters, whole)
}

const matrix = (values: tf.TypedArray, shape: [number, number]): tf.Variable<tf.Rank.R2> =>
  tf.tidy(() => tf.variable(tf.tensor2d(values, shape)))

/** The layers that the file has adapters for; names and shapes are compared before anything is read. */
function checkedLayers(
  weights: Weights,
  layers: ReadonlyMap<string, Linear>,
  whole: WholeModules,
): Map<string, Linear> {
  const chosen = [...layers].filter(([name]) => weights.tensors.has(`${PEFT_PREFIX}${name}.lora_A.weight`))
  const expected = new Map<string, string>()
  for (const [name, { inFeatures, outFeatures }] of chosen) {
    const r = weights.tensors.get(`${PEFT_PREFIX}${name}.lora_A.weight`)?.shape[0] ?? 1
    expected.set(`${PEFT_PREFIX}${name}.lora_A.weight`, `[${r}, ${inFeatures}]`)
    expected.set(`${PEFT_PREFIX}${name}.lora_B.weight`, `[${outFeatures}, ${r}]`)
  }
  for (const [name, { shape }] of whole.parameters) expected.set(`${PEFT_PREFIX}${name}`, `[${shape.join(', ')}]`)
  const named = [...weights.tensors.keys()].filter((name) => !bypassed.test(name))
  for (const name of new Set([...named, ...expected.keys()])) {
    const shape = weights.tensors.get(name)?.shape
    const found = shape ? `[${shape.join(', ')}]` : 'nothing'
    if (found === expected.get(name)) continue
    throw misfit(
      expected.get(name) ?? 'adapters of its linear layers only',
      expected.has(name) ? found : name,
      expected.has(name) ? `${name} in ${weights.location}` : weights.location,
    )
  }
  return new Map(chosen)
}
