import { readFileSync } from 'node:fs'
import { fixturePath } from '../fixture.js'

interface Score {
  readonly label: string
  readonly score: number
}
type Scores = Readonly<Record<string, readonly Score[]>>
type Nested = number | readonly Nested[]
type Call = 'default' | 'topK' | 'sigmoid' | 'softmax' | 'none'

/** What transformers' pipelines answer with the tiny checkpoints. */
export interface Reference {
  readonly images: readonly string[]
  readonly texts: readonly string[]
  readonly labels: readonly string[]
  /** By the classifier's kind, the way of calling, and the image. */
  readonly imageClassification: Readonly<Record<'single' | 'multi' | 'regression', Readonly<Record<Call, Scores>>>>
  /** `hidden` of the first image alone. */
  readonly imageFeatures: Readonly<
    Record<'siglip' | 'siglip2', { readonly hidden: readonly Nested[]; readonly pooled: readonly Nested[] }>
  >
  /** `padded` of the first text alone. */
  readonly textFeatures: { readonly default: readonly Nested[]; readonly padded: readonly Nested[] }
  readonly zeroShotNaflex: Scores
}

export const reference = JSON.parse(readFileSync(fixturePath('pipelines', 'expected.json'), 'utf8')) as Reference

export const images = reference.images.map((name) => fixturePath('images', name))

const flat = (values: Nested): number[] => (typeof values === 'number' ? [values] : values.flatMap(flat))

const shapeOf = (values: Nested): number[] =>
  typeof values === 'number' ? [] : [values.length, ...shapeOf(values[0] ?? 0)]

/** Checks an array against nested lists: the shape, and each value within 1e-5, absolutely plus relatively. */
export function expectArray(found: { data: Float32Array; shape: readonly number[] }, expected: Nested): void {
  expect(found.shape).toEqual(shapeOf(expected))
  const errors = flat(expected).map((value, i) => Math.abs((found.data[i] ?? NaN) - value) / (1 + Math.abs(value)))
  expect(Math.max(...errors)).toBeLessThan(1e-5)
}

/** Checks labels in their order, and their scores within 1e-5. */
export function expectScores(found: readonly Score[], expected: readonly Score[] | undefined): void {
  expect(found.map(({ label }) => label)).toEqual(expected?.map(({ label }) => label))
  const errors = found.map(({ score }, i) => Math.abs(score - (expected?.[i]?.score ?? NaN)))
  expect(Math.max(...errors)).toBeLessThan(1e-5)
}

/** Inputs one by one. */
export async function* oneByOne<T>(items: readonly T[], end?: () => void): AsyncGenerator<T> {
  try {
    for (const item of items) yield await Promise.resolve(item)
  } finally {
    end?.()
  }
}

export async function all<T>(results: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = []
  for await (const result of results) list.push(result)
  return list
}
