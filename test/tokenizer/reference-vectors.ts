import { readFileSync } from 'node:fs'
import type { PreTrainedTokenizer } from '../../src/tokenizer/pretrained-tokenizer.js'

/** What transformers makes of a text. */
export interface Row {
  readonly text: string
  readonly tokens: string[]
  readonly ids: number[]
  readonly decoded: string
  readonly plain: string
}

/** An added token as transformers writes it. */
export interface AddedTokenJson {
  readonly content: string
  readonly single_word?: boolean
  readonly lstrip?: boolean
  readonly rstrip?: boolean
  readonly normalized?: boolean
  readonly special?: boolean
}

interface AddedVectors {
  readonly count: number
  readonly length: number
  readonly decoder: Readonly<Record<string, AddedTokenJson>>
  readonly rows: readonly Row[]
}

/** One call of a tokenizer: what came out, or null if the reference raised an error. */
export interface Call {
  readonly tokenizer: 'siglip' | 'siglip2'
  readonly truncation_side: 'left' | 'right'
  readonly text: readonly string[]
  readonly pair: readonly string[] | null
  readonly options: Readonly<Record<string, unknown>>
  readonly result: Readonly<Record<string, number[][]>> | null
}

interface Vectors {
  readonly siglip: readonly Row[]
  readonly 'siglip-cased': readonly Row[]
  readonly siglip2: readonly Row[]
  readonly 'user-defined': readonly Row[]
  readonly 'byte-fallback': readonly Row[]
  readonly suffix: readonly Row[]
  readonly added: {
    readonly tokens: readonly AddedTokenJson[]
    readonly siglip: AddedVectors
    readonly siglip2: AddedVectors
  }
  readonly options: readonly Call[]
  readonly pipelines: readonly {
    readonly name: string
    /** A tokenizer.json without its model, and without the bytes of `precompiled_charsmap`. */
    readonly pipeline: Readonly<Record<string, unknown>>
    readonly rows: readonly Row[]
    readonly pair: { readonly ids: number[]; readonly types: number[] }
  }[]
}

/** Hard texts, added tokens and options, as the reference treats them. */
export const reference = JSON.parse(readFileSync('test/fixtures/tokenizer-more/vectors.json', 'utf8')) as Vectors

/** What a tokenizer makes of the row's text and ids, in the row's own form. */
export function rowOf(tokenizer: PreTrainedTokenizer, { text, ids }: Row): Row {
  return {
    text,
    tokens: tokenizer.tokenize(text),
    ids: tokenizer.encode(text),
    decoded: tokenizer.decode(ids),
    plain: tokenizer.decode(ids, { skipSpecialTokens: true }),
  }
}

/** The bytes of a fixture. */
export function fixture(name: string): Uint8Array {
  return readFileSync(`test/fixtures/${name}`)
}

/** Silences the tokenizers' warnings and returns the spy. */
export function catchWarnings(): jest.SpyInstance {
  return jest.spyOn(console, 'warn').mockImplementation(() => undefined)
}
