import { createHash, type Hash } from 'node:crypto'
import path from 'node:path'
import { ConfigError } from '../../errors.js'
import { isObject } from '../../io/is-object.js'
import type { Sample, TrainingData } from './sample.js'

/** What a pool of samples was, without their images: enough to see whether it is the same again. */
export interface Fingerprint {
  readonly samples: number
  /** The keys of the first and the last one. */
  readonly ends: readonly [string, string]
  /** A hash of the keys, in their order; of the keys in any order; of captions and classes. */
  readonly names: string
  readonly anyOrder: number
  readonly captions: string
  readonly labels: string
  /** A hash of the names of the shards, where there are some. */
  readonly shards: string
}

/** The fingerprint of a pool: linear in its samples. */
export function fingerprintOf(
  samples: readonly Sample[],
  { shards = [] }: Pick<TrainingData, 'shards'> = {},
): Fingerprint {
  const [names, captions, labels] = [createHash('sha256'), createHash('sha256'), createHash('sha256')]
  let anyOrder = 0
  for (const { key, captions: all, label } of samples) {
    add(names, key)
    for (const caption of all) add(captions, caption)
    captions.update('\u0001')
    add(labels, label ?? '\u0001')
    anyOrder = (anyOrder + hashOf(key)) >>> 0
  }
  const ofShards = createHash('sha256')
  for (const shard of shards) add(ofShards, path.posix.basename(shard)) // which may lie elsewhere now
  return {
    samples: samples.length,
    ends: [samples[0]?.key ?? '', samples.at(-1)?.key ?? ''],
    names: digest(names),
    anyOrder,
    captions: digest(captions),
    labels: digest(labels),
    shards: digest(ofShards),
  }
}

/** A fingerprint as stored in a checkpoint; undefined for other values. */
export function storedFingerprint(value: unknown): Fingerprint | undefined {
  if (!isObject(value)) return undefined
  const { samples, ends, names, anyOrder, captions, labels, shards } = value
  const [first, last] = Array.isArray(ends) ? (ends as readonly unknown[]) : []
  return {
    samples: Number(samples),
    ends: [String(first), String(last)],
    names: String(names),
    anyOrder: Number(anyOrder),
    captions: String(captions),
    labels: String(labels),
    shards: String(shards),
  }
}

/** @throws {ConfigError} that names what differs, if the two are not of the same samples */
export function checkSameData(before: Fingerprint, now: Fingerprint, where: string): void {
  const found = difference(before, now)
  if (found === undefined) return
  throw new ConfigError('The checkpoint belongs to a training on other data', {
    expected: described(before),
    found,
    where,
    hint: 'Give the same data in the same order, or another folder.',
  })
}

function difference(before: Fingerprint, now: Fingerprint): string | undefined {
  if (before.names !== now.names) {
    return before.samples === now.samples && before.anyOrder === now.anyOrder
      ? 'the same samples in another order'
      : described(now)
  }
  if (before.captions !== now.captions) return 'other captions for these samples'
  if (before.labels !== now.labels) return 'other classes for these samples'
  return before.shards === now.shards ? undefined : 'other shards'
}

const described = ({ samples, ends: [first, last] }: Fingerprint): string =>
  `${samples} samples, from ${JSON.stringify(first)} to ${JSON.stringify(last)}`

/** A terminator after each text keeps texts apart. */
function add(hash: Hash, text: string): void {
  hash.update(text).update('\u0000')
}

const digest = (hash: Hash): string => hash.digest('hex').slice(0, 32)

/** FNV-1a over UTF-16. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash >>> 0
}
