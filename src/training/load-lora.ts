import * as tf from '@tensorflow/tfjs'
import { openFolder } from '#open-folder'
import { readJsonObject, type JsonObject } from '../../converters/json-file.js'
import { openWeights } from '../../converters/open-weights.js'
import type { Weights } from '../../converters/weights.js'
import { ConfigError, WeightsError } from '../errors.js'
import type { CheckpointFolder, CheckpointSource } from '../hub/checkpoint-folder.js'
import type { HubOptions } from '../hub/hub-options.js'
import { isObject } from '../is-object.js'
import type { Linear } from '../layers/linear.js'
import type { PreTrainedModel } from '../models/pre-trained-model.js'
import { linearLayers, Lora, wholeModules, type LoraAdapter, type WholeModules } from './lora.js'

const PREFIX = 'base_model.model.'

/**
 * Puts adapters on a model that peft or `saveLora` has saved, and what was trained whole beside them into its place. An adapter of the
 * output projection of the pooling head's attention is left out: peft's model computes past it, too.
 * @throws {FileError} if a file is missing; ConfigError for adapters of another kind, WeightsError for those of another model
 */
export async function loadLora(model: PreTrainedModel, source: CheckpointSource, options?: HubOptions): Promise<Lora> {
  const folder = await openFolder(source, options)
  const where = `${folder.location}/adapter_config.json`
  const config = await readJsonObject(folder, 'adapter_config.json')
  checkKind(config, where)
  const weights = await openWeights(folder, { file: await weightsName(folder) })
  const whole = wholeOf(model, config, where)
  const layers = checkedLayers(weights, linearLayers(model), whole)

  const adapters = new Map<string, LoraAdapter>()
  try {
    for (const [name, layer] of layers) {
      const r = weights.tensors.get(`${PREFIX}${name}.lora_A.weight`)?.shape[0] ?? 1
      const alpha = alphaOf(config, name, where) * (config['use_rslora'] === true ? Math.sqrt(r) : 1)
      const values = [
        await weights.read(`${PREFIX}${name}.lora_A.weight`),
        await weights.read(`${PREFIX}${name}.lora_B.weight`),
      ] as const
      const a = matrix(values[0], [r, layer.inFeatures])
      const b = matrix(values[1], [layer.outFeatures, r])
      adapters.set(name, { layer, a, b, alpha })
    }
    const values = await Promise.all([...whole.parameters.keys()].map((name) => weights.read(`${PREFIX}${name}`)))
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

/** peft writes safetensors, and wrote a pickle before. */
async function weightsName(folder: CheckpointFolder): Promise<string> {
  const [name, older] = ['adapter_model.safetensors', 'adapter_model.bin']
  return !(await folder.has(name)) && (await folder.has(older)) ? older : name
}

const matrix = (values: tf.TypedArray, shape: [number, number]): tf.Variable<tf.Rank.R2> =>
  tf.tidy(() => tf.variable(tf.tensor2d(values, shape)))

/** What peft offers beside B·A, by its key in the file, and the value that leaves it off. */
const left = { use_dora: false, fan_in_fan_out: false, lora_bias: false, bias: 'none' }

function checkKind(config: JsonObject, where: string): void {
  for (const [key, value] of Object.entries({ peft_type: 'LORA', ...left })) {
    const found = config[key] ?? (key === 'peft_type' ? undefined : value)
    if (found !== value) {
      throw new ConfigError(`adapters of a kind that can't be loaded`, {
        expected: `${key}: ${JSON.stringify(value)}`,
        found: JSON.stringify(found),
        where,
      })
    }
  }
}

function wholeOf(model: PreTrainedModel, config: JsonObject, where: string): WholeModules {
  const names: unknown = config['modules_to_save'] ?? []
  // peft names some that a model may lack, as `score`.
  if (Array.isArray(names) && names.every((name) => typeof name === 'string')) return wholeModules(model, names)
  throw new ConfigError('bad modules_to_save', { expected: 'names of modules', found: JSON.stringify(names), where })
}

/** Adapters of the layer of which torch's `MultiheadAttention` reads the weight alone; peft makes them for `all-linear`. */
const bypassed = /\.head\.attention\.out_proj\.lora_[AB]\.weight$/

/** The layers that the file has adapters for; names and shapes are compared before anything is read. */
function checkedLayers(
  weights: Weights,
  layers: ReadonlyMap<string, Linear>,
  whole: WholeModules,
): Map<string, Linear> {
  const chosen = [...layers].filter(([name]) => weights.tensors.has(`${PREFIX}${name}.lora_A.weight`))
  const expected = new Map<string, string>()
  for (const [name, { inFeatures, outFeatures }] of chosen) {
    const r = weights.tensors.get(`${PREFIX}${name}.lora_A.weight`)?.shape[0] ?? 1
    expected.set(`${PREFIX}${name}.lora_A.weight`, `[${r}, ${inFeatures}]`)
    expected.set(`${PREFIX}${name}.lora_B.weight`, `[${outFeatures}, ${r}]`)
  }
  for (const [name, { shape }] of whole.parameters) expected.set(`${PREFIX}${name}`, `[${shape.join(', ')}]`)
  const named = [...weights.tensors.keys()].filter((name) => !bypassed.test(name))
  for (const name of new Set([...named, ...expected.keys()])) {
    const shape = weights.tensors.get(name)?.shape
    const found = shape ? `[${shape.join(', ')}]` : 'nothing'
    if (found === expected.get(name)) continue
    throw new WeightsError('adapters do not fit the model', {
      expected: expected.get(name) ?? 'adapters of its linear layers alone',
      found: expected.has(name) ? found : name,
      where: expected.has(name) ? `${name} in ${weights.location}` : weights.location,
      hint: 'Load them onto the model, or the tower, that they were trained on.',
    })
  }
  return new Map(chosen)
}

/** `lora_alpha`, or what `alpha_pattern` has for the layer. */
function alphaOf(config: JsonObject, layer: string, where: string): number {
  const patterns = isObject(config['alpha_pattern']) ? Object.entries(config['alpha_pattern']) : []
  const other = patterns.find(([pattern]) => endsAs(layer, pattern, where))
  const alpha: unknown = other ? other[1] : config['lora_alpha']
  if (typeof alpha === 'number' && Number.isFinite(alpha)) return alpha
  const key = other ? `alpha_pattern of ${layer}` : 'lora_alpha'
  throw new ConfigError(`bad ${key}`, { expected: 'a number', found: JSON.stringify(alpha), where })
}

/** A file's pattern may be made to take for ever: repeated groups, many repetitions, references back. */
function checkPattern(pattern: string): void {
  const repetitions = pattern.match(/[*+]|\{\d*,\d*\}/g)?.length ?? 0
  if (pattern.length > 1000 || repetitions > 3 || /\)[*+{]|\\[1-9k]/.test(pattern)) {
    throw new SyntaxError('too intricate: it may take for ever')
  }
}

/** Whether a layer's name is, from its start or from some point on, what the regular expression says: peft's `get_pattern_key`. */
function endsAs(layer: string, pattern: string, where: string): boolean {
  try {
    checkPattern(pattern)
    return new RegExp(`^(.*\\.)?(${pattern})$`).test(layer)
  } catch (cause) {
    throw new ConfigError('bad alpha_pattern', {
      expected: 'regular expressions for keys',
      found: `${JSON.stringify(pattern)}: ${cause instanceof Error ? cause.message : String(cause)}`,
      where,
      cause,
    })
  }
}
