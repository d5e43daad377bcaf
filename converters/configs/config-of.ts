import { FileError } from '../../src/errors.js'
import type { CheckpointFolder } from '../../src/hub/checkpoint-folder.js'
import { OPEN_CLIP_CONFIG } from '../../src/hub/model-files.js'
import { inferConfig, type ConfigHints } from './infer-config.js'
import { asTransformers, namingOf, type Naming } from '../names/naming.js'
import { keptConfig, openClipHints } from './open-clip-config.js'
import { timmHints } from './timm-config.js'
import { inWholeModel } from '../names/tower-names.js'
import { unwrapped } from '../names/unwrapped.js'
import { openWeights } from '../formats/open-weights.js'
import type { Weights } from '../formats/weights.js'
import type { JsonObject } from '../../src/io/json.js'
import { readJsonObject } from '../../src/hub/read-json.js'

/** What no file of a folder gives. */
export interface ConfigOptions {
  /** Attention heads of the towers whose number no file gives. */
  readonly heads?: number | undefined
}

/**
 * A checkpoint's configuration as transformers' `config.json` has it: that file itself, or what open_clip's and timm's own files and
 * the shapes of the weights give.
 *
 * @param weights of the folder, under the names they are stored with. Default: opened where they are needed.
 * @throws FileError if there is neither a configuration nor weights; ConfigError if they are not enough.
 */
export async function configOf(
  folder: CheckpointFolder,
  weights?: Weights,
  { heads }: ConfigOptions = {},
): Promise<JsonObject> {
  const own = (await folder.has('config.json')) ? await readJsonObject(folder, 'config.json') : undefined
  if (own && !('architecture' in own)) return own
  const { weights: stored } = unwrapped(weights ?? (await openStored(folder)))
  const openClip = (await folder.has(OPEN_CLIP_CONFIG)) ? await readJsonObject(folder, OPEN_CLIP_CONFIG) : undefined
  const naming = namingOf(stored.tensors.keys())
  const kept = openClip && naming === 'open_clip' ? keptConfig(openClip) : undefined
  if (kept) return kept
  const named = hintsOf[naming]({ openClip: openClip ?? {}, timm: own ?? {}, stored })
  const hints: ConfigHints = {
    ...named,
    heads: { vision: named.heads?.vision ?? heads, text: named.heads?.text ?? heads },
  }
  return inferConfig(inWholeModel(asTransformers(stored)), hints)
}

interface Source {
  readonly openClip: JsonObject
  readonly timm: JsonObject
  readonly stored: Weights
}

/** What each library's files give beside the shapes of the weights. */
const hintsOf: Readonly<Record<Naming, (source: Source) => ConfigHints>> = {
  transformers: () => ({}),
  big_vision: ({ stored }) => ({ heads: headsOf(stored) }),
  open_clip: ({ openClip }) => openClipHints(openClip),
  timm: ({ timm }) => timmHints(timm),
}

async function openStored(folder: CheckpointFolder): Promise<Weights> {
  try {
    return await openWeights(folder)
  } catch (cause) {
    if (!(cause instanceof FileError)) throw cause
    throw new FileError('File not found', {
      expected: 'config.json, or weights whose shapes give it',
      where: folder.location,
      hint: 'Fetch config.json.',
      cause,
    })
  }
}

/** big_vision's kernels are `[width, heads, size]`, or `[layers, width, heads, size]`. */
function headsOf({ tensors }: Weights): ConfigHints['heads'] {
  const heads = (tower: RegExp): number | undefined => {
    for (const [name, { shape }] of tensors) if (tower.test(name)) return shape.at(-2)
    return undefined
  }
  const query = String.raw`/encoderblock(_0)?/MultiHeadDotProductAttention_0/query/kernel$`
  return {
    vision: heads(new RegExp(`(^|/)img/Transformer${query}`)),
    text: heads(new RegExp(`(^|/)txt/Encoder_0${query}`)),
  }
}
