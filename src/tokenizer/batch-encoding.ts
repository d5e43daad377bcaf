import { InputError } from '../errors.js'
import type { NdArray } from '../nd-array.js'
import type { Framed } from './tokenizer-backend.js'
import type { Side } from './tokenizer-config.js'

/** What a call of a tokenizer returns: arrays of shape `[batch, length]`, ready for a text model. */
export interface BatchEncoding {
  readonly inputIds: NdArray<Int32Array>
  /** 1 where `inputIds` holds a token, 0 where it holds padding. */
  readonly attentionMask?: NdArray<Int32Array>
  /** Which text of a pair each token belongs to, if the tokenizer distinguishes them; SigLIP's don't: all zero. */
  readonly tokenTypeIds?: NdArray<Int32Array>
  /** 1 for special tokens and padding, 0 for the text's own tokens. */
  readonly specialTokensMask?: NdArray<Int32Array>
}

/** How the rows of a batch become arrays. */
export interface BatchLayout {
  /** The length that shorter rows are filled up to. */
  readonly length: number
  readonly paddingSide: Side
  readonly padId: number
  readonly returns: {
    readonly attentionMask: boolean
    readonly tokenTypeIds: boolean
    readonly specialTokensMask: boolean
  }
}

/** The most numbers one array may hold: 4 GiB of int32. */
const MAX_ELEMENTS = 2 ** 30

/**
 * Fills rows up and lays them out as arrays.
 *
 * @throws InputError if a row is longer than `length`, or the array were too large.
 */
export function toBatchEncoding(rows: readonly Framed[], layout: BatchLayout): BatchEncoding {
  const { length, paddingSide, padId, returns } = layout
  const longer = rows.find(({ ids }) => ids.length > length)
  if (longer) {
    throw new InputError('The texts have different numbers of tokens', {
      expected: 'rows of one length',
      found: `${length} and ${longer.ids.length}`,
      where: 'call',
      hint: "Make them equal by `padding: 'max_length'` (as SigLIP was trained) or 'longest', and `truncation: true`.",
    })
  }
  if (rows.length * length > MAX_ELEMENTS)
    throw new InputError('The batch is too large', {
      expected: `at most ${MAX_ELEMENTS} ids`,
      found: `${rows.length} × ${length}`,
      where: 'call',
      hint: 'Lower `maxLength` or encode fewer texts at a time.',
    })

  const lay = (padding: number, valuesOf: (row: Framed) => readonly number[]): NdArray<Int32Array> => {
    const data = new Int32Array(rows.length * length).fill(padding)
    for (const [i, row] of rows.entries()) {
      const values = valuesOf(row)
      data.set(values, i * length + (paddingSide === 'left' ? length - values.length : 0))
    }
    return { data, shape: [rows.length, length] }
  }
  return {
    inputIds: lay(padId, (row) => row.ids),
    ...(returns.attentionMask && { attentionMask: lay(0, (row) => row.ids.map(() => 1)) }),
    ...(returns.tokenTypeIds && { tokenTypeIds: lay(0, (row) => row.typeIds) }),
    ...(returns.specialTokensMask && { specialTokensMask: lay(1, (row) => row.specialTokensMask) }),
  }
}
