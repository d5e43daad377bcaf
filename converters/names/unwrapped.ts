import { WeightsError } from '../../src/errors.js'
import { unknownTensor } from '../formats/stored-tensor.js'
import type { Naming } from './naming.js'
import type { WeightInfo, Weights } from '../formats/weights.js'

/** The names under which torch keeps what `torch.compile`, DataParallel, FSDP and activation checkpointing wrap, at any depth. */
const wrappers = new Set([
  '_orig_mod',
  'module',
  '_module',
  '_fsdp_wrapped_module',
  '_fpw_module',
  '_checkpoint_wrapped_module',
  '_forward_module',
])

/** A weight that every tower has, as each project names it: what stands before it is the prefix. big_vision's files have none. */
const anchorsOf: Readonly<Record<Naming, readonly string[]>> = {
  transformers: [
    'vision_model.embeddings.patch_embedding.weight',
    'text_model.embeddings.token_embedding.weight',
    'embeddings.patch_embedding.weight',
    'embeddings.token_embedding.weight',
  ],
  big_vision: [],
  open_clip: ['visual.trunk.patch_embed.proj.weight', 'visual.trunk.embeds.proj.weight'],
  timm: ['patch_embed.proj.weight', 'embeds.proj.weight'],
}

/** The longer names go first: a shorter one may be the end of them. */
const anchors = Object.values(anchorsOf)
  .flat()
  .sort((a, b) => b.length - a.length)

/** A model's weights under its own names, and what was taken off them. */
export interface Unwrapped {
  readonly weights: Weights
  /** A sentence that reports what was removed; undefined if nothing was. */
  readonly note: string | undefined
}

/**
 * Weights without the prefixes that a program puts before them when the model is a part of another: `_orig_mod.` of `torch.compile`,
 * `module.` of DataParallel, `model.` and others of a Lightning module. Names without the prefix stay as they are.
 *
 * @throws WeightsError if there are several models with different prefixes, or two names are the same without them.
 */
export function unwrapped(weights: Weights): Unwrapped {
  const bare = new Map([...weights.tensors.keys()].map((name) => [name, withoutWrappers(name)]))
  const prefix = prefixOf(bare.values(), weights.location)
  const tensors = new Map<string, WeightInfo>()
  const stored = new Map<string, string>()
  const taken = new Set<string>(weights.takenOff === undefined ? [] : [weights.takenOff])
  for (const [name, info] of weights.tensors) {
    const plain = bare.get(name) ?? name
    const own = plain.startsWith(prefix) ? plain.slice(prefix.length) : plain
    const other = stored.get(own)
    if (other !== undefined) {
      throw new WeightsError('Two weights have the same name without their prefixes', {
        found: `${other} and ${name}`,
        where: weights.location,
        hint: 'Save the state dict of one model only.',
      })
    }
    stored.set(own, name)
    tensors.set(own, info)
    if (own !== name) taken.add(name.endsWith(own) ? name.slice(0, -own.length) : firstWrapper(name))
  }
  if (taken.size === 0) return { weights, note: undefined }
  const listed = [...taken].slice(0, 3).map((part) => JSON.stringify(part))
  return {
    weights: {
      location: weights.location,
      tensors,
      read(name, begin, end) {
        const inFile = stored.get(name)
        if (inFile === undefined) return Promise.reject(unknownTensor(name, tensors.keys(), weights.location))
        return weights.read(inFile, begin, end)
      },
    },
    note: `Names of weights in ${weights.location} are read without ${listed.join(', ')}${taken.size > 3 ? ' …' : ''}.`,
  }
}

function withoutWrappers(name: string): string {
  const segments = name.split('.')
  return segments.some((segment) => wrappers.has(segment))
    ? segments.filter((segment) => !wrappers.has(segment)).join('.')
    : name
}

/** The wrapper in the middle of a name. */
function firstWrapper(name: string): string {
  return `${name.split('.').find((segment) => wrappers.has(segment)) ?? ''}.`
}

/** What stands before the names of the one model. */
function prefixOf(names: Iterable<string>, where: string): string {
  const all = [...names]
  for (const anchor of anchors) {
    const found = new Set(
      all.filter((name) => name === anchor || name.endsWith(`.${anchor}`)).map((name) => name.slice(0, -anchor.length)),
    )
    if (found.has('')) return ''
    const [only] = found
    if (only === undefined) continue
    if (found.size === 1) return only
    throw new WeightsError('The file holds the weights of several models', {
      expected: 'one model',
      found: [...found].slice(0, 5).join(', '),
      where,
      hint: 'Save only the state dict of the model you want.',
    })
  }
  return ''
}
