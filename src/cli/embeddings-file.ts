import { existsSync } from 'node:fs'
import { access, constants, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { InvalidArgumentError } from 'commander'
import { FileError } from '../errors.js'
import { errorCode } from './error-code.js'
import { saveFile } from '../../converters/save-folder.js'
import { npyHead } from '../../converters/serialize-npy.js'
import { layoutSafetensors } from '../../converters/serialize-safetensors.js'

/** What the rows are embeddings of. */
export interface EmbeddedInputs {
  readonly kind: 'image' | 'text'
  /** As many as rows. */
  readonly inputs: readonly string[]
  /** What else the metadata of a safetensors file says. */
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
 * `embeddings`, and the metadata's `inputs` is the JSON list of what the rows belong to; a .npy file gets both in a .json beside it.
 *
 * @throws {FileError} if it can't be written
 */
export async function saveEmbeddings(
  file: string,
  rows: readonly Float32Array[],
  { kind, inputs, more }: EmbeddedInputs,
): Promise<void> {
  const isNpy = path.extname(file) === '.npy'
  const width = rows[0]?.length ?? 0
  const shape = [rows.length, width]
  const tensors = new Map([['embeddings', { dtype: 'F32', shape }]] as const)
  const head = isNpy
    ? npyHead(shape)
    : layoutSafetensors(tensors, { kind, inputs: JSON.stringify(inputs), ...more }).head
  if (isNpy) await rm(`${file}.json`, { force: true }) // of other rows
  await saveFile(file, function* () {
    yield head
    for (let i = 0; i < rows.length; i += ROWS_AT_ONCE) {
      const some = rows.slice(i, i + ROWS_AT_ONCE)
      const joined = new Float32Array(some.length * width)
      for (const [place, row] of some.entries()) joined.set(row, place * width)
      yield new Uint8Array(joined.buffer)
    }
  })
  if (isNpy) await saveFile(`${file}.json`, new TextEncoder().encode(`${JSON.stringify({ kind, inputs })}\n`))
}

/** Rows that are written together. */
const ROWS_AT_ONCE = 1024
