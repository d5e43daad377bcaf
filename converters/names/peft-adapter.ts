import { ConfigError, WeightsError } from '../../src/errors.js'
import type { CheckpointFolder } from '../../src/hub/checkpoint-folder.js'
import { isObject } from '../../src/io/is-object.js'
import { openWeights } from '../formats/open-weights.js'
import type { Weights } from '../formats/weights.js'
import type { JsonObject } from '../../src/io/json.js'
import { readJsonObject } from '../../src/hub/read-json.js'

/** What peft puts before the name of each weight. */
export const PEFT_PREFIX = 'base_model.model.'

/** An adapter as peft stores it. */
export interface PeftAdapter {
  readonly config: JsonObject
  readonly weights: Weights
  /** The configuration's file, for messages. */
  readonly where: string
}

/** Opens an adapter. @throws FileError if a file is missing; ConfigError for adapters of another kind than LoRA */
export async function openPeftAdapter(folder: CheckpointFolder): Promise<PeftAdapter> {
  const where = `${folder.location}/adapter_config.json`
  const config = await readJsonObject(folder, 'adapter_config.json')
  checkKind(config, where)
  return { config, weights: await openWeights(folder, { file: await weightsName(folder) }), where }
}

/** peft writes safetensors, and wrote a pickle before. */
async function weightsName(folder: CheckpointFolder): Promise<string> {
  const [name, older] = ['adapter_model.safetensors', 'adapter_model.bin']
  return !(await folder.has(name)) && (await folder.has(older)) ? older : name
}

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

/** `modules_to_save`: what was trained whole. */
export function wholeNames({ config, where }: PeftAdapter): readonly string[] {
  const names: unknown = config['modules_to_save'] ?? []
  if (Array.isArray(names) && names.every((name) => typeof name === 'string')) return names
  throw new ConfigError('Invalid modules_to_save', {
    expected: 'names of modules',
    found: JSON.stringify(names),
    where,
  })
}

/** Adapters of the layer of which torch's `MultiheadAttention` reads only the weight; peft makes them for `all-linear`. */
export const bypassed = /\.head\.attention\.out_proj\.lora_[AB]\.weight$/

/** What the product of a layer's matrices is multiplied by, times their rank: its alpha, or with rsLoRA more. */
export function alphaOf({ config, where }: PeftAdapter, layer: string, rank: number): number {
  const patterns = isObject(config['alpha_pattern']) ? Object.entries(config['alpha_pattern']) : []
  const other = patterns.find(([pattern]) => endsAs(layer, pattern, where))
  const alpha: unknown = other ? other[1] : config['lora_alpha']
  if (typeof alpha === 'number' && Number.isFinite(alpha)) {
    return alpha * (config['use_rslora'] === true ? Math.sqrt(rank) : 1)
  }
  const key = other ? `alpha_pattern of ${layer}` : 'lora_alpha'
  throw new ConfigError(`Invalid ${key}`, { expected: 'a number', found: JSON.stringify(alpha), where })
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
    throw new ConfigError('Invalid alpha_pattern', {
      expected: 'regular expressions for keys',
      found: `${JSON.stringify(pattern)}: ${cause instanceof Error ? cause.message : String(cause)}`,
      where,
      cause,
    })
  }
}

/** The error for weights of an adapter that the model has no place for. */
export function misfit(expected: string, found: string, where: string): WeightsError {
  return new WeightsError('adapters do not fit the model', {
    expected,
    found,
    where,
    hint: 'Load them onto the model, or the tower, that they were trained on.',
  })
}
