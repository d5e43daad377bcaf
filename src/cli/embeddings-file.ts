import { existsSync } from 'node:fs'
import { access, constants, stat } from 'node:fs/promises'
import path from 'node:path'
import { InvalidArgumentError } from 'commander'
import { FileError } from '../errors.js'
import { withProcessLock } from '../io/process-lock.js'
import { errorCode } from '../io/system-error.js'
import type { Dtype } from '../../converters/formats/dtypes.js'
import { lockOf, saveFile, savePair } from '../io/save-folder.js'
import { npyHead } from '../../converters/formats/serialize-npy.js'
import { layoutSafetensors } from '../../converters/formats/serialize-safetensors.js'

/** What the rows are embeddings of. */
export interface EmbeddedInputs {
  readonly kind: 'image' | 'text'
  /** As many as rows. */
  readonly inputs: readonly string[]
  /** Further metadata of a safetensors file. */
  readonly more?: Readonly<Record<string, string>>
}

/** Parses the name of a file of embeddings. */
export function embeddingsFile(name: string): string {
  if (['.npy', '.safetensors'].includes(path.extname(name))) return name
  throw new InvalidArgumentError('Expected a name that ends in .npy or .safetensors.')
}

/** @throws {FileError} if a file can't be written there: better said before hours of work than after */
export async function checkWritable(file: string): Promise<void> {
  const target = await stat(file).catch(() => undefined)
  if (target?.isDirectory()) throw new FileError('The file can’t be written', { found: 'a folder', where: file })
  let folder = path.dirname(path.resolve(file))
  while (!existsSync(folder) && folder !== path.dirname(folder)) folder = path.dirname(folder) // those that are missing are made
  try {
    await access(path.join(folder, '.'), constants.W_OK | constants.X_OK)
    if (!(await stat(folder)).isDirectory()) throw Object.assign(new Error('no folder'), { code: 'ENOTDIR' })
  } catch (cause) {
    const found = errorCode(cause)
    throw new FileError('The file can’t be written', { found, where: file, hint: `Check ${folder}.`, cause })
  }
}

/**
 * Writes rows of one width as a float32 array `[rows, width]`, as a whole or not at all. In a safetensors file it is the tensor
 * `embeddings`, and the metadata's `inputs` is the JSON list of what the rows belong to; where that is too long for the format's header,
 * it is a tensor of bytes, of the same name. A .npy file gets both in a .json beside it.
 *
 * @throws {FileError} if it can't be written
 */
export async function saveEmbeddings(
  file: string,
  rows: readonly Float32Array[],
  { kind, inputs, more }: EmbeddedInputs,
): Promise<void> {
  const width = rows[0]?.length ?? 0
  const shape = [rows.length, width]
  if (path.extname(file) === '.npy') {
    const beside = (): Iterable<Uint8Array> => namesBeside(kind, inputs)
    await withProcessLock(lockOf(file), () => savePair(file, () => npyPieces(shape, rows), `${file}.json`, beside))
    return
  }
  const texts = Object.entries({ inputs: JSON.stringify(inputs), ...more })
  const isLong = ([, text]: readonly [string, string]): boolean => text.length > MAX_IN_HEADER
  const long = sumOfLengths(texts) > MAX_HEADER ? texts.filter(isLong) : []
  const short = texts.filter((text) => !long.includes(text))
  const bytes = new Map(long.map(([name, text]) => [name, new TextEncoder().encode(text)]))
  const tensors = new Map<string, { readonly dtype: Dtype; readonly shape: readonly number[] }>([
    ['embeddings', { dtype: 'F32', shape }],
    ...[...bytes].map(([name, { length }]) => [name, { dtype: 'U8', shape: [length] }] as const),
  ])
  const { head, names } = layoutSafetensors(tensors, { kind, ...Object.fromEntries(short) })
  await saveFile(file, function* () {
    yield head
    for (const name of names) {
      const text = bytes.get(name)
      if (text) yield text
      else yield* piecesOf(rows)
    }
  })
}

/**
 * Checks, before the work, that a file of embeddings can be written and read again.
 *
 * @param inputs what the rows will belong to
 * @param perRow characters of other texts that each row will have
 * @throws {FileError} for more names than fit into a text
 */
export function checkNamesFit(file: string, inputs: Iterable<string>, perRow = 0): void {
  if (path.extname(file) === '.npy') return // whose names are written one by one
  let [length, count] = [0, 0]
  for (const input of inputs) {
    count++
    length += Math.max(perRow, JSON.stringify(input).length + 1)
  }
  if (length <= MAX_TEXT) return
  throw new FileError('The names are too many for one file', {
    expected: `at most ${MAX_TEXT} characters of names`,
    found: `${length} of ${count} inputs`,
    where: file,
    hint: 'Make several files, each of a part of the inputs.',
  })
}

/** What JavaScript holds in one text. */
const MAX_TEXT = 2 ** 29 - 25
/** The most that a header takes, as all readers of the format have it, is 100 MB; some of it is left for the rest. */
const MAX_HEADER = 90_000_000
/** Texts up to this length stay in the header in any case. */
const MAX_IN_HEADER = 65_536
/** Rows, and names, that are written together. */
const AT_ONCE = 1024

/** In bytes, at most: escapes are counted. */
const sumOfLengths = (texts: readonly (readonly [string, string])[]): number =>
  texts.reduce((sum, [, text]) => sum + Buffer.byteLength(JSON.stringify(text)), 0)

function* npyPieces(shape: readonly number[], rows: readonly Float32Array[]): Generator<Uint8Array> {
  yield npyHead(shape)
  yield* piecesOf(rows)
}

function* piecesOf(rows: readonly Float32Array[]): Generator<Uint8Array> {
  const width = rows[0]?.length ?? 0
  for (let i = 0; i < rows.length; i += AT_ONCE) {
    const some = rows.slice(i, i + AT_ONCE)
    const joined = new Float32Array(some.length * width)
    for (const [place, row] of some.entries()) joined.set(row, place * width)
    yield new Uint8Array(joined.buffer)
  }
}

/** `{"kind":"image","inputs":["a.jpg", …]}`, however long it is. */
function* namesBeside(kind: string, inputs: readonly string[]): Generator<Uint8Array> {
  const encoder = new TextEncoder()
  yield encoder.encode(`{"kind":${JSON.stringify(kind)},"inputs":[`)
  for (let i = 0; i < inputs.length; i += AT_ONCE) {
    const some = inputs.slice(i, i + AT_ONCE).map((input) => JSON.stringify(input))
    yield encoder.encode(`${i > 0 ? ',' : ''}${some.join(',')}`)
  }
  yield encoder.encode(']}\n')
}
