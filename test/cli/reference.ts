import { readFileSync } from 'node:fs'
import { fixture } from './siglip.js'

/** What transformers computes with the tiny model. */
export interface Reference {
  readonly labels: readonly string[]
  /** Scores of the pipeline `zero-shot-image-classification`, by image, highest first. */
  readonly classify: Readonly<Record<string, readonly { readonly label: string; readonly score: number }[]>>
  /** Of `a cat` and `two dogs`. */
  readonly textEmbeddings: readonly (readonly number[])[]
  /** Of `chelsea.png`. */
  readonly imageEmbedding: readonly number[]
}

export const reference = JSON.parse(readFileSync(fixture('cli', 'expected.json'), 'utf8')) as Reference
