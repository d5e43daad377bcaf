/** Fields of `config.json` that need more than a look-up: a classifier's labels, and a tower's part of a whole model's. */
import { ConfigError } from '../../errors.js'
import { isObject } from '../../io/is-object.js'
import type { FieldReader } from '../../io/field-reader.js'

export const problemTypes = ['regression', 'single_label_classification', 'multi_label_classification'] as const

/** What a classifier's labels are: numbers, one class of several, or any number of classes. */
export type ProblemType = (typeof problemTypes)[number]

/** The names of a classifier's classes. */
export interface Labels {
  readonly id2label: Readonly<Record<string, string>> | undefined
  readonly label2id: Readonly<Record<string, number>> | undefined
}

/**
 * Reads `num_labels`, `id2label` and `label2id`, each of which may follow from another.
 * @throws {ConfigError} for labels that are not names by index, or disagree with their number
 */
export function readLabels(read: FieldReader): Labels {
  const numLabels = read.integer('numLabels', 0, { max: 2 ** 20 }) // 0: not given
  const id2label = read.record('id2label', labelName, 'names by index') ?? namesOf(numLabels)
  const label2id = read.record('label2id', wholeNumber, 'indices by name') ?? inverse(id2label)
  if (id2label) checkLabels(id2label, numLabels)
  return { id2label, label2id }
}

/** The side of a square: a number, or two equal ones as some files have them. @throws {ConfigError} */
export function readSide(read: FieldReader, field: string, fallback: number): number {
  const expected = `a whole number from 1 to ${MAX_SIDE}, or two equal ones`
  return read.value(field, fallback, expected, (value) => {
    const [side, other]: readonly unknown[] = isPair(value) ? value : [value, value]
    const isSide = typeof side === 'number' && Number.isInteger(side) && side >= 1 && side <= MAX_SIDE
    return isSide && side === other ? side : undefined
  })
}

const MAX_SIDE = 65_536

function isPair(value: unknown): value is readonly [unknown, unknown] {
  return Array.isArray(value) && value.length === 2
}

/** A token id; `null` stands for "none". @throws {ConfigError} */
export function readTokenId(read: FieldReader, field: string, fallback: number): number | readonly number[] | null {
  const value = read.take(field)
  if (value === undefined) return fallback
  if (value === null) return null
  if (typeof value === 'number' && Number.isInteger(value)) return value
  if (Array.isArray(value) && value.every((id): id is number => Number.isInteger(id))) return value
  throw read.wrong(field, 'a token id', value)
}

function namesOf(numLabels: number): Labels['id2label'] {
  return numLabels === 0
    ? undefined
    : Object.fromEntries(Array.from({ length: numLabels }, (_, i) => [i, `LABEL_${i}`]))
}

/** A class's name; some files have numbers. */
function labelName(name: unknown): string | undefined {
  return typeof name === 'string' || typeof name === 'number' ? String(name) : undefined
}

/** An index; some files have it as a text: `"0"`. */
function wholeNumber(id: unknown): number | undefined {
  const isText = typeof id === 'string' && /^\d+$/.test(id)
  return isText ? Number(id) : typeof id === 'number' && Number.isInteger(id) ? id : undefined
}

function inverse(id2label: Labels['id2label']): Labels['label2id'] {
  return id2label && Object.fromEntries(Object.entries(id2label).map(([id, name]) => [name, Number(id)]))
}

function checkLabels(id2label: Readonly<Record<string, string>>, numLabels: number): void {
  const count = Object.keys(id2label).length
  const other = Object.keys(id2label).find((index) => wholeNumber(index) === undefined)
  if (other !== undefined) {
    throw new ConfigError('Invalid id2label', { expected: 'whole numbers for keys', found: JSON.stringify(other) })
  }
  if (numLabels > 0 && numLabels !== count) {
    throw new ConfigError('num_labels and id2label disagree', { expected: `${count} labels`, found: `${numLabels}` })
  }
}

/**
 * A tower's part of a whole model's configuration, or the tower's own. The part is of the whole's family, if that is SigLIP's.
 * @throws {ConfigError}
 */
export function towerOf(json: object, key: 'text_config' | 'vision_config'): object {
  if (!(key in json)) return json
  const tower: unknown = Reflect.get(json, key)
  if (!isObject(tower)) throw new ConfigError(`Invalid ${key}`, { expected: 'an object', where: 'config.json' })
  const family: unknown = Reflect.get(json, 'model_type')
  if (family !== 'siglip' && family !== 'siglip2') return tower // another model's, with a SigLIP tower inside
  return { ...partOf(tower), modelType: `${family}_${key.replace('config', 'model')}` }
}

/** A tower's fields in a whole model's, without their `model_type`: as in transformers, it may be any. */
export function partOf(fields: object = {}): object {
  return Object.fromEntries(Object.entries(fields).filter(([key]) => key !== 'model_type' && key !== 'modelType'))
}
