import { ConfigError } from '../errors.js'
import type { ConfigReader, JsonObject } from './loading/config-reader.js'
import { PretrainedConfig, type Fields } from './loading/pretrained-config.js'
import type { TextConfig, VisionConfig } from './tower-configs.js'

const problemTypes = ['regression', 'single_label_classification', 'multi_label_classification'] as const

/** What a classifier's labels are: numbers, one class of several, or any number of classes. */
export type ProblemType = (typeof problemTypes)[number]

/** A model's fields; the towers may be configurations or their fields, and `numLabels` alone makes that many names. */
export type TwoTowerFields<C extends TwoTowerConfig> = Omit<Fields<C>, 'textConfig' | 'visionConfig'> & {
  readonly textConfig?: Fields<C['textConfig']> | undefined
  readonly visionConfig?: Fields<C['visionConfig']> | undefined
}

/** Both towers, and the labels of a classifier. */
export abstract class TwoTowerConfig extends PretrainedConfig {
  abstract readonly textConfig: TextConfig
  abstract readonly visionConfig: VisionConfig
  /** Scales the classifier's first weights. Default: 1. */
  readonly initializerFactor: number
  /** Default: told by the labels at the first loss, which sets it. */
  problemType: ProblemType | undefined
  /** The classes' names by their index; they are counted, whatever their indices. Default: `LABEL_0` and `LABEL_1`. */
  readonly id2label: Readonly<Record<string, string>> | undefined
  /** The classes' indices by their name. Default: `id2label` turned around. */
  readonly label2id: Readonly<Record<string, number>> | undefined
  readonly extra: JsonObject

  protected constructor(read: ConfigReader, modelType: string) {
    super()
    read.oneOf('modelType', [modelType])
    this.initializerFactor = read.number('initializerFactor', 1)
    this.problemType = read.oneOf('problemType', problemTypes)
    const numLabels = read.integer('numLabels', 0, { max: 2 ** 20 }) // 0: not said
    this.id2label = read.record('id2label', labelName, 'names by index') ?? namesOf(numLabels)
    this.label2id = read.record('label2id', wholeNumber, 'indices by name') ?? turnedAround(this.id2label)
    this.extra = read.rest()
    if (this.id2label) checkLabels(this.id2label, numLabels)
    if (this.problemType === 'single_label_classification' && this.numLabels === 1) {
      throw read.wrong('problemType', 'regression for one label, or more labels', this.problemType)
    }
  }

  /** Number of classes. Default: 2, as in transformers. */
  get numLabels(): number {
    return this.id2label ? Object.keys(this.id2label).length : 2
  }

  /** The name of a class; `LABEL_3` for one that has none. */
  label(index: number): string {
    return this.id2label?.[index] ?? `LABEL_${index}`
  }
}

function namesOf(numLabels: number): Readonly<Record<string, string>> | undefined {
  return numLabels === 0
    ? undefined
    : Object.fromEntries(Array.from({ length: numLabels }, (_, i) => [i, `LABEL_${i}`]))
}

/** A class's name, which files may have as a number. */
function labelName(name: unknown): string | undefined {
  return typeof name === 'string' || typeof name === 'number' ? String(name) : undefined
}

/** An index, which files may have as a text: `"0"`. */
function wholeNumber(id: unknown): number | undefined {
  const isText = typeof id === 'string' && /^\d+$/.test(id)
  return isText ? Number(id) : typeof id === 'number' && Number.isInteger(id) ? id : undefined
}

function turnedAround(
  id2label: Readonly<Record<string, string>> | undefined,
): Readonly<Record<string, number>> | undefined {
  return id2label && Object.fromEntries(Object.entries(id2label).map(([id, name]) => [name, Number(id)]))
}

function checkLabels(id2label: Readonly<Record<string, string>>, numLabels: number): void {
  const count = Object.keys(id2label).length
  const other = Object.keys(id2label).find((index) => wholeNumber(index) === undefined)
  if (other !== undefined) {
    throw new ConfigError('bad id2label', { expected: 'whole numbers for keys', found: JSON.stringify(other) })
  }
  if (numLabels > 0 && numLabels !== count) {
    throw new ConfigError('num_labels and id2label disagree', { expected: `${count} labels`, found: `${numLabels}` })
  }
}
