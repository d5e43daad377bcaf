import { createHash } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import * as tf from '@tensorflow/tfjs'
import { parseSafetensors } from '../../converters/safetensors.js'
import { FileError, InputError } from '../errors.js'
import type { Embedder } from './embedder.js'
import { saveEmbeddings } from './embeddings-file.js'
import { errorCode } from './error-code.js'

/** A picture in an index. */
interface Entry {
  /** The file's size and time when it was read to be embedded; of a URL, nothing. */
  readonly stamp: string
  readonly embedding: Float32Array
  /** Whether the picture is there, as it was then. */
  readonly isCurrent: boolean
}

/**
 * Embeddings of pictures by one model, kept in a safetensors file: the tensor `embeddings` `[pictures, width]`, rows of length one,
 * and in the metadata the JSON lists `inputs` (paths and URLs) and `stamps`, and the `model` that made them.
 */
export class PictureIndex {
  readonly #entries = new Map<string, Entry>()
  #isChanged = false

  private constructor(
    private readonly file: string | undefined,
    private readonly model: string,
  ) {}

  /**
   * Reads what is kept in a file; where there is none yet, it starts empty. Pictures that have changed since, or can't be reached, stay
   * in it and are not found.
   *
   * @param file where it is kept. Default: nowhere
   * @throws {FormatError | InputError} for a file that is something else, or was made by another model; FileError if it can't be read
   */
  static async open(file: string | undefined, model: string): Promise<PictureIndex> {
    const index = new PictureIndex(file, model)
    const bytes = file === undefined ? undefined : await readIfThere(file)
    if (file === undefined || bytes === undefined) return index
    const { tensors, metadata } = parseSafetensors(bytes, file)
    const { dtype, shape = [], data } = tensors.get('embeddings') ?? {}
    const [inputs, stamps] = [listOf(metadata['inputs']), listOf(metadata['stamps'])]
    const isIndex = dtype === 'F32' && data instanceof Float32Array && shape[0] === inputs?.length
    if (!isIndex || inputs?.length !== stamps?.length) {
      throw new InputError('Not an index of pictures', { where: file, hint: 'Name another file: a new index is made.' })
    }
    if (metadata['model'] !== model) {
      throw new InputError('The index was made by another model', {
        where: file,
        hint: 'Name the model that made it, or another file: a new index is made.',
      })
    }
    const [, width = 0] = shape
    const now = await Promise.all((inputs ?? []).map(stampOf))
    for (const [i, input] of inputs?.entries() ?? []) {
      const stamp = stamps?.[i] ?? ''
      const embedding = data.subarray(i * width, (i + 1) * width)
      index.#entries.set(input, { stamp, embedding, isCurrent: now[i] === stamp })
    }
    return index
  }

  /** Paths and URLs of the pictures that are there as they were. */
  get inputs(): readonly string[] {
    return [...this.#entries].flatMap(([input, { isCurrent }]) => (isCurrent ? input : []))
  }

  /** Undefined for a picture that is not in the index, or has changed since. */
  embedding(input: string): Float32Array | undefined {
    const entry = this.#entries.get(input)
    return entry?.isCurrent ? entry.embedding : undefined
  }

  /** @param stamp as {@link stampOf} gave it before the picture was read */
  add(input: string, stamp: string, embedding: Float32Array): void {
    this.#isChanged = true
    this.#entries.set(input, { stamp, embedding, isCurrent: true })
  }

  /** Writes the file, as a whole or not at all, if anything was added. @throws {FileError} if it can't be written */
  async save(): Promise<void> {
    if (this.file === undefined || !this.#isChanged) return
    const entries = [...this.#entries.values()]
    const rows = entries.map(({ embedding }) => embedding)
    await saveEmbeddings(this.file, rows, {
      kind: 'image',
      inputs: [...this.#entries.keys()],
      more: { model: this.model, stamps: JSON.stringify(entries.map(({ stamp }) => stamp)) },
    })
    this.#isChanged = false
  }
}

/** What tells a model that embeds pictures from others: how it prepares them, and some values of each weight. */
export function fingerprint({ model, processor }: Embedder): string {
  const hash = createHash('sha256').update(JSON.stringify(processor.imageProcessor.config))
  for (const [name, variable] of model.visionModel.namedParameters()) {
    const some = tf.tidy(() => variable.flatten().slice(0, Math.min(16, variable.size)).dataSync())
    hash.update(name).update(new Uint8Array(some.buffer, some.byteOffset, some.byteLength))
  }
  return hash.digest('hex')
}

/** Size and time of a file; nothing for a URL, whose picture is taken to stay; `undefined` where no file can be reached. */
export async function stampOf(input: string): Promise<string | undefined> {
  if (!path.isAbsolute(input)) return ''
  const found = await stat(input).catch(() => undefined)
  return found && `${found.size} ${found.mtimeMs}`
}

async function readIfThere(file: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(file)
  } catch (cause) {
    const found = errorCode(cause)
    if (found === 'ENOENT') return undefined
    throw new FileError('The index can’t be read', { found, where: file, cause })
  }
}

/** The texts of a JSON list. */
function listOf(json: string | undefined): readonly string[] | undefined {
  try {
    const list: unknown = JSON.parse(json ?? '')
    return Array.isArray(list) && list.every((item) => typeof item === 'string') ? list : undefined
  } catch {
    return undefined
  }
}
