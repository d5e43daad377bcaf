import { readFileSync } from 'node:fs'
import type { NdArray } from '../../../src/nd-array.js'
import { fixturePath } from '../../fixture.js'

type Rows = readonly (readonly number[])[]
type ByK = Readonly<Record<string, number>>

/** What scikit-learn and numpy say: made by test/reference/make_evaluator_fixtures.py. */
interface Cases {
  readonly retrieval: Readonly<{ images: Rows; texts: Rows; owner: number[]; image_to_text: ByK; text_to_image: ByK }>
  readonly zero_shot: Readonly<{ images: Rows; prompts: Rows; labels: number[]; top: ByK }>
  readonly classifier: Readonly<{
    logits: Rows
    labels: number[]
    accuracy: number
    confusion: number[][]
    precision: number[]
    recall: number[]
    f1: number[]
    support: number[]
  }>
  readonly average_precision: Readonly<{ scores: Rows; targets: Rows; classes: number[]; mean: number }>
}

export const cases = JSON.parse(readFileSync(fixturePath('evaluators', 'cases.json'), 'utf8')) as Cases

export const matrix = (rows: Rows): NdArray<Float32Array> => ({
  data: Float32Array.from(rows.flat()),
  shape: [rows.length, rows[0]?.length ?? 0],
})
