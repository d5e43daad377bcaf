import { InputError } from '../../src/errors.js'
import { byteLength, elementCount, type Dtype } from './dtypes.js'
import { fromFloat32, isFloatDtype, type FloatDtype } from './float-conversion.js'
import type { FileContent } from '../../src/io/save-folder.js'
import { layoutSafetensors } from './serialize-safetensors.js'
import { MAX_JSON_BYTES } from '../../src/hub/read-json.js'
import type { Weights } from './weights.js'

/** Weights to be written: those of a checkpoint, or a model's. */
export interface WeightsToSave {
  readonly tensors: ReadonlyMap<string, { readonly dtype: Dtype; readonly shape: readonly number[] }>
  read: Weights['read']
}

/** How weights are written. */
export interface WeightFilesOptions {
  /** The type of all weights. Default: each keeps its own; other types become F32. */
  readonly dtype?: FloatDtype | undefined
  /** The most bytes of weights in a file, as a number or with a decimal unit: `'5GB'`. Default: 50 GB, as in transformers. */
  readonly maxShardSize?: number | `${number}${keyof typeof units}` | undefined
  /** Texts kept in each file. Default: `{ format: 'pt' }`, without which transformers doesn't load them. */
  readonly metadata?: Readonly<Record<string, string>> | undefined
}

const units = { KB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12 }

/** Whether a file of that name holds weights in a folder that transformers saved. */
export function isWeightFile(name: string): boolean {
  return /^(model|pytorch_model)(-\d{5}-of-\d{5})?\.(safetensors|bin)(\.index\.json)?$/.test(name)
}

/** Whether a file of that name is one that {@link weightFiles} writes. */
export function isSavedWeightFile(name: string): boolean {
  return isWeightFile(name) && name.startsWith('model') && /\.safetensors(\.index\.json)?$/.test(name)
}

/**
 * The files that hold weights in a checkpoint folder: `model.safetensors`, or where that is more than allowed
 * `model-00001-of-00003.safetensors` … and `model.safetensors.index.json`; byte for byte as transformers' `save_pretrained` writes
 * them. One weight at a time is read and in memory.
 *
 * @throws InputError if `maxShardSize` is not a size, and for more names than an index holds.
 */
export function weightFiles(
  weights: WeightsToSave,
  { dtype, maxShardSize = '50GB', metadata = { format: 'pt' } }: WeightFilesOptions = {},
): Map<string, FileContent> {
  const tensors = new Map(
    [...weights.tensors].map(([name, { dtype: own, shape }]) => {
      return [name, { dtype: dtype ?? (isFloatDtype(own) ? own : 'F32'), shape }]
    }),
  )
  const shards = split(tensors, sizeOf(maxShardSize))
  const nameOf = (i: number): string => {
    const [part, of] = [i + 1, shards.length].map((n) => String(n).padStart(5, '0'))
    return shards.length === 1 ? 'model.safetensors' : `model-${part}-of-${of}.safetensors`
  }
  const files = new Map<string, FileContent>()
  for (const [i, shard] of shards.entries()) {
    files.set(nameOf(i), async function* () {
      const { head, names } = layoutSafetensors(shard, metadata)
      yield head
      for (const name of names) yield fromFloat32(await weights.read(name), shard.get(name)?.dtype ?? 'F32')
    })
  }
  if (shards.length > 1) {
    const places = shards.flatMap((shard, i) => [...shard.keys()].map((name): [string, string] => [name, nameOf(i)]))
    files.set('model.safetensors.index.json', indexOf(tensors, places))
  }
  return files
}

type FloatTensors = ReadonlyMap<string, { readonly dtype: FloatDtype; readonly shape: readonly number[] }>

/** As huggingface_hub does: in the order of the weights, and a weight larger than a shard gets its own. */
function split(tensors: FloatTensors, maxShardSize: number): FloatTensors[] {
  const shards: FloatTensors[] = []
  let shard = new Map<string, { readonly dtype: FloatDtype; readonly shape: readonly number[] }>()
  let shardSize = 0
  for (const [name, info] of tensors) {
    const size = byteLength(info.dtype, info.shape)
    if (size > maxShardSize) {
      shards.push(new Map([[name, info]]))
      continue
    }
    if (shardSize + size > maxShardSize) {
      shards.push(shard)
      shard = new Map()
      shardSize = 0
    }
    shard.set(name, info)
    shardSize += size
  }
  return shard.size > 0 || shards.length === 0 ? [...shards, shard] : shards
}

function indexOf(tensors: FloatTensors, places: readonly [string, string][]): Uint8Array {
  const infos = [...tensors.values()]
  const sum = (count: (info: (typeof infos)[number]) => number): number =>
    infos.reduce((total, info) => total + count(info), 0)
  const index = {
    metadata: {
      total_parameters: sum(({ shape }) => elementCount(shape)),
      total_size: sum(({ dtype, shape }) => byteLength(dtype, shape)),
    },
    weight_map: Object.fromEntries([...places].sort(([a], [b]) => (a < b ? -1 : 1))),
  }
  const bytes = new TextEncoder().encode(`${JSON.stringify(index, undefined, 2)}\n`)
  if (bytes.length <= MAX_JSON_BYTES) return bytes
  throw new InputError('The index of the shards is too large to be read again', {
    expected: `at most ${MAX_JSON_BYTES} bytes`,
    found: `${bytes.length} for ${tensors.size} weights`,
  })
}

function sizeOf(size: number | string): number {
  const [, digits, unit] = /^(\d+(?:\.\d+)?)(KB|MB|GB|TB)?$/.exec(String(size)) ?? []
  const factor = Object.entries(units).find(([name]) => name === unit)?.[1] ?? 1
  const bytes = Math.trunc(Number(digits) * factor)
  if (bytes > 0) return bytes
  throw new InputError('Invalid size', {
    expected: 'bytes, or a text such as "5GB"',
    found: String(size),
    where: 'maxShardSize',
  })
}
