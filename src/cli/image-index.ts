import { createHash } from 'node:crypto'
import { stat } from 'node:fs/promises'
import path from 'node:path'
import * as tf from '@tensorflow/tfjs'
import { readRange, type ByteSource } from '../io/byte-source.js'
import { fileSource } from '../../converters/formats/file-source.js'
import { firstNonFinite } from '../../converters/formats/finite-values.js'
import { lockOf } from '../io/save-folder.js'
import { openSafetensors, type TensorData, type TensorInfo } from '../../converters/formats/safetensors.js'
import { FileError, InputError, NonFiniteError } from '../errors.js'
import { LocalFolder } from '../hub/local-folder.js'
import { withProcessLock } from '../io/process-lock.js'
import { mapLimited } from '../io/map-limited.js'
import type { Embedder } from './open-embedder.js'
import { saveEmbeddings } from './embeddings-file.js'
import { errorCode } from '../io/system-error.js'

/** An image in an index. */
interface Entry {
  /** The file's size and time when it was read to be embedded; of a URL, nothing. */
  readonly stamp: string
  readonly embedding: Float32Array
  /** Whether the image is there, as it was then. */
  readonly isCurrent: boolean
}

/** An index as read from the file. */
interface Stored {
  readonly entries: ReadonlyMap<string, Pick<Entry, 'stamp' | 'embedding'>>
  /** Which version of the file it was. */
  readonly version: string
}

/** Files whose stamps are asked for at a time. */
const AT_ONCE = 64

/** Maximum length of one image's stamp. */
export const MAX_STAMP = 48

/**
 * Embeddings of images by one model, kept in a safetensors file: the tensor `embeddings` `[images, width]`, rows of length one,
 * and in the metadata the JSON lists `inputs` (paths and URLs) and `stamps`, and the `model` that made them. Lists that are too long for
 * the header are tensors of bytes.
 *
 * Several processes may add to one file: each save takes in what others have written since.
 */
export class ImageIndex {
  readonly #entries = new Map<string, Entry>()
  /** Inputs added by this process and not saved yet. */
  readonly #added = new Set<string>()
  #version: string | undefined

  private constructor(
    private readonly file: string | undefined,
    private readonly model: string,
  ) {}

  /**
   * Reads what is kept in a file; where there is none yet, it starts empty. Images that have changed since, or can't be reached, stay
   * in it and are not found.
   *
   * @param file where it is kept. Default: nowhere
   * @throws {FormatError | InputError} for a file that is something else, or was made by another model; NonFiniteError for a row with
   * NaN; FileError if it can't be read
   */
  static async open(file: string | undefined, model: string): Promise<ImageIndex> {
    const index = new ImageIndex(file, model)
    await index.#takeIn()
    return index
  }

  /** Paths and URLs of the images that are there as they were. */
  get inputs(): readonly string[] {
    return [...this.#entries].flatMap(([input, { isCurrent }]) => (isCurrent ? input : []))
  }

  /** All that it keeps. */
  get all(): Iterable<string> {
    return this.#entries.keys()
  }

  /** Undefined for an image that is not in the index, or has changed since. */
  embedding(input: string): Float32Array | undefined {
    const entry = this.#entries.get(input)
    return entry?.isCurrent ? entry.embedding : undefined
  }

  /** @param stamp as {@link stampOf} gave it before the image was read */
  add(input: string, stamp: string, embedding: Float32Array): void {
    this.#added.add(input)
    this.#entries.set(input, { stamp, embedding, isCurrent: true })
  }

  /**
   * Writes the file, as a whole or not at all, if anything was added. Processes write one after the other, and what another one has
   * added in the meantime stays.
   *
   * @throws {FileError} if it can't be written; and as {@link open} does, if the file has become something else
   */
  async save(): Promise<void> {
    const { file } = this
    if (file === undefined || this.#added.size === 0) return
    await withProcessLock(lockOf(file), async () => {
      await this.#takeIn()
      const entries = [...this.#entries.values()]
      const rows = entries.map(({ embedding }) => embedding)
      await saveEmbeddings(file, rows, {
        kind: 'image',
        inputs: [...this.#entries.keys()],
        more: { model: this.model, stamps: JSON.stringify(entries.map(({ stamp }) => stamp)) },
      })
      this.#version = await versionOf(file)
    })
    this.#added.clear()
  }

  /** Reads the file again if it is another one than it was; what this process has added stays as it is. */
  async #takeIn(): Promise<void> {
    if (this.file === undefined) return
    const stored = await readIndex(this.file, this.model, this.#version)
    if (!stored) return
    const inputs = [...stored.entries.keys()].filter((input) => !this.#added.has(input))
    const now = await mapLimited(inputs, AT_ONCE, stampOf)
    for (const [i, input] of inputs.entries()) {
      const entry = stored.entries.get(input)
      if (entry) this.#entries.set(input, { ...entry, isCurrent: now[i] === entry.stamp })
    }
    this.#version = stored.version
  }
}

/** What distinguishes a model that embeds images from others: how it prepares them, and some values of each weight. */
export function fingerprint({ model, processor }: Embedder): string {
  const hash = createHash('sha256').update(JSON.stringify(processor.imageProcessor.config))
  for (const [name, variable] of model.visionModel.namedParameters()) {
    const some = tf.tidy(() => variable.flatten().slice(0, Math.min(16, variable.size)).dataSync())
    hash.update(name).update(new Uint8Array(some.buffer, some.byteOffset, some.byteLength))
  }
  return hash.digest('hex')
}

/** Size and time of a file; nothing for a URL, whose image is taken to stay; `undefined` where no file can be reached. */
export async function stampOf(input: string): Promise<string | undefined> {
  if (!path.isAbsolute(input)) return ''
  const found = await stat(input).catch(() => undefined)
  return found && `${found.size} ${found.mtimeMs}`
}

/**
 * An index file's content; undefined if it is missing, or its version is `known`. A file is read in ranges, and another
 * process may replace it between two of them: then it is read again.
 */
async function readIndex(file: string, model: string, known: string | undefined): Promise<Stored | undefined> {
  for (;;) {
    const version = await versionOf(file)
    if (version === undefined || version === known) return undefined
    try {
      const entries = await readEntries(file, model)
      if ((await versionOf(file)) === version) return { entries, version }
    } catch (error) {
      if ((await versionOf(file)) === version) throw error
    }
  }
}

async function readEntries(file: string, model: string): Promise<Stored['entries']> {
  const { dir, base } = path.parse(path.resolve(file))
  const source = await fileSource(new LocalFolder(dir), base)
  const stored = await openSafetensors(source)
  const { tensors, metadata } = stored
  const textOf = async (name: string): Promise<string | undefined> =>
    tensors.get(name)?.dtype === 'U8' ? new TextDecoder().decode(bytesOf(await stored.read(name))) : metadata[name]
  const rows = tensors.get('embeddings')
  const [inputs, stamps] = [listOf(await textOf('inputs')), listOf(await textOf('stamps'))]
  const isOfRows = rows?.dtype === 'F32' && rows.shape.length === 2 && rows.shape[0] === inputs?.length
  if (!isOfRows || !inputs || stamps?.length !== inputs.length) {
    throw new InputError('The file is not an image index', {
      where: file,
      hint: 'Name another file to make a new index.',
    })
  }
  if (metadata['model'] !== model) {
    throw new InputError('The index was made by another model', {
      where: file,
      hint: 'Name the model that made it, or another file: a new index is made.',
    })
  }
  const entries = new Map<string, Pick<Entry, 'stamp' | 'embedding'>>()
  for await (const [i, embedding] of rowsOf(source, rows)) {
    const bad = firstNonFinite(embedding)
    if (bad >= 0) {
      throw new NonFiniteError('The index contains a non-finite number', {
        expected: 'finite numbers',
        found: `${embedding[bad]} in the embedding of ${inputs[i] ?? ''}`,
        where: file,
        hint: 'It is damaged: delete it to make a new one.',
      })
    }
    entries.set(inputs[i] ?? '', { stamp: stamps[i] ?? '', embedding })
  }
  return entries
}

/** Bytes of rows that are read together: one array of all may be more than JavaScript has. */
const READ_AT_ONCE = 2 ** 28

/** The rows of a float32 tensor `[rows, width]`, each with its index. */
async function* rowsOf(
  source: ByteSource,
  { shape: [count = 0, width = 0], byteOffset }: TensorInfo,
): AsyncGenerator<readonly [index: number, row: Float32Array]> {
  const rowBytes = width * Float32Array.BYTES_PER_ELEMENT
  const some = Math.max(1, Math.floor(READ_AT_ONCE / Math.max(1, rowBytes)))
  for (let first = 0; first < count; first += some) {
    const end = Math.min(first + some, count)
    const { buffer } = await readRange(source, byteOffset + first * rowBytes, byteOffset + end * rowBytes)
    for (let i = first; i < end; i++) yield [i, new Float32Array(buffer, (i - first) * rowBytes, width)]
  }
}

/** Distinguishes one version of a file from others; undefined where there is none. @throws {FileError} if it can't be read */
async function versionOf(file: string): Promise<string | undefined> {
  try {
    const { ino, size, mtimeMs } = await stat(file)
    return `${ino} ${size} ${mtimeMs}`
  } catch (cause) {
    const found = errorCode(cause)
    if (found === 'ENOENT') return undefined
    throw new FileError('The index can’t be read', { found, where: file, cause })
  }
}

const bytesOf = ({ buffer, byteOffset, byteLength }: TensorData): Uint8Array<ArrayBuffer> =>
  new Uint8Array(buffer, byteOffset, byteLength)

/** The texts of a JSON list. */
function listOf(json: string | undefined): readonly string[] | undefined {
  try {
    const list: unknown = JSON.parse(json ?? '')
    return Array.isArray(list) && list.every((item) => typeof item === 'string') ? list : undefined
  } catch {
    return undefined
  }
}
