import type { CheckpointFolder } from '../../src/hub/checkpoint-folder.js'
import { alphaOf, bypassed, misfit, openPeftAdapter, PEFT_PREFIX, wholeNames } from './peft-adapter.js'
import type { WeightInfo, Weights } from '../formats/weights.js'

/** A matrix of the base with its update. */
interface Added {
  /** Names of A `[r, in]` and B `[out, r]` in the adapter's file. */
  readonly a: string
  readonly b: string
  readonly rank: number
  readonly columns: number
  readonly scale: number
}

/**
 * A base model's weights with the adapter of a folder merged into them as they are read: W + (alpha / r) · B·A. Fully trained
 * modules (`modules_to_save`) replace the base's.
 *
 * @param base under transformers' names.
 * @param folder with peft's `adapter_config.json` and the adapter's weights; undefined for none.
 * @throws FileError if a file is missing; ConfigError for adapters of another kind, WeightsError for those of another model.
 */
export async function adapted(base: Weights, folder: CheckpointFolder | undefined): Promise<Weights> {
  if (!folder) return base
  const adapter = await openPeftAdapter(folder)
  const { weights } = adapter
  const whole = wholeNames(adapter)
  const tensors = new Map<string, WeightInfo>(base.tensors)
  const added = new Map<string, Added>()
  const replaced = new Map<string, string>()
  for (const [name, info] of weights.tensors) {
    if (bypassed.test(name)) continue
    const own = name.startsWith(PEFT_PREFIX) ? name.slice(PEFT_PREFIX.length) : name
    const [, layer, side] = /^(.*)\.lora_([AB])\.weight$/.exec(own) ?? []
    if (layer === undefined) {
      if (own === name || !whole.some((module) => `.${own}`.includes(`.${module}.`)))
        throw misfit('adapters of its linear layers only', name, weights.location)
      replaced.set(own, name)
      tensors.set(own, info)
      continue
    }
    const b = `${PEFT_PREFIX}${layer}.lora_B.weight`
    const [rank = 0, columns = 0] =
      (side === 'A' ? info : weights.tensors.get(name.replace(/B\.weight$/, 'A.weight')))?.shape ?? []
    const [rows = 0, ofB = 0] = weights.tensors.get(b)?.shape ?? []
    const target = base.tensors.get(`${layer}.weight`)?.shape ?? []
    const fits = rank > 0 && ofB === rank && target.length === 2 && target[0] === rows && target[1] === columns
    if (!fits) {
      const found = `lora_A [${rank}, ${columns}], lora_B [${rows}, ${ofB}]`
      const expected =
        target.length === 2 ? `matrices for [${target.join(', ')}]` : 'adapters of its linear layers only'
      throw misfit(expected, found, `${name} in ${weights.location}`)
    }
    const scale = alphaOf(adapter, layer, rank) / rank
    added.set(`${layer}.weight`, { a: name.replace(/[AB]\.weight$/, 'A.weight'), b, rank, columns, scale })
  }
  return {
    location: `${base.location} with ${weights.location}`,
    tensors,
    async read(name, begin, end) {
      const other = replaced.get(name)
      if (other !== undefined) return weights.read(other, begin, end)
      const values = await base.read(name, begin, end)
      const sum = added.get(name)
      if (sum) addProduct(values, begin ?? 0, sum, await weights.read(sum.a), await weights.read(sum.b))
      return values
    },
  }
}

/** Adds scale · B·A to the elements of a matrix from `begin` on. */
function addProduct(
  values: Float32Array,
  begin: number,
  { rank, columns, scale }: Added,
  a: Float32Array,
  b: Float32Array,
): void {
  const row = new Float32Array(columns)
  for (let at = 0; at < values.length;) {
    const i = Math.floor((begin + at) / columns)
    const first = (begin + at) % columns
    const count = Math.min(columns - first, values.length - at)
    row.fill(0)
    for (let k = 0; k < rank; k++) {
      const factor = (b[i * rank + k] ?? 0) * scale
      for (let j = first; j < first + count; j++) row[j] = (row[j] ?? 0) + factor * (a[k * columns + j] ?? 0)
    }
    for (let j = 0; j < count; j++) values[at + j] = (values[at + j] ?? 0) + (row[first + j] ?? 0)
    at += count
  }
}
