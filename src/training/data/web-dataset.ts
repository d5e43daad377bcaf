import path from 'node:path'
import { openFolder } from '#open-folder'
import { fileSource } from '../../../converters/formats/file-source.js'
import { FileError, InputError, SiglipError } from '../../errors.js'
import type { Fetch } from '../../hub/hub-options.js'
import { decodeImage } from '../../image/decode/decode-image.js'
import { mapLimited } from '../../io/map-limited.js'
import { settleBroken, type BrokenSample, type OnBroken } from './broken-sample.js'
import { expandBraces } from './expand-braces.js'
import { readShard, type Shard } from './read-shard.js'
import type { Sample, TrainingData } from './sample.js'

/** How shards are opened. */
export interface WebDatasetOptions {
  /** Default: `'fail'`. */
  readonly onBroken?: OnBroken | undefined
  /**
   * What is validated before training: every image, or only the list of members, or nothing; then broken samples
   * are found when their shard is read. Default: `'images'` on disk, `'nothing'` behind URLs.
   */
  readonly check?: 'images' | 'members' | 'nothing' | undefined
  /** Shards whose samples are shuffled among each other. Default: 4. */
  readonly mix?: number | undefined
  /** Instead of the global `fetch`. */
  readonly fetch?: Fetch | undefined
  /** Called after each shard that was checked. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined
  /** Called once for each skipped sample when its shard is read, for shards that were not validated before. */
  readonly onLeftOut?: ((broken: readonly BrokenSample[]) => void) | undefined
  /** Aborts before the next image is validated, with its own reason. */
  readonly signal?: AbortSignal | undefined
}

const AT_ONCE = 4

/**
 * Tar archives of images and captions, as Python's webdataset writes them: paths or `http:` and `https:` URLs, also patterns such
 * as `train-{0000..0127}.tar`. Of a shard the captions and the places of the images are in memory, while it is its turn; images
 * are read by ranges.
 */
export class WebDataset implements TrainingData {
  readonly #unreadable = new Set<string>()
  readonly #broken: BrokenSample[] = []
  /** What of it was reported. */
  readonly #reported = new Set<string>()

  private constructor(
    readonly shards: readonly string[],
    private readonly options: WebDatasetOptions,
  ) {}

  /** The samples skipped so far. */
  get broken(): readonly BrokenSample[] {
    return this.#broken
  }

  /**
   * @throws {FileError} if a shard can't be read; BrokenDataError with everything that is broken, unless it is to be skipped;
   * FormatError if a shard is not a tar archive; InputError for an empty list
   */
  static async open(shards: string | readonly string[], options: WebDatasetOptions = {}): Promise<WebDataset> {
    const names = [shards].flat().flatMap(expandBraces)
    const { check = names.some(isUrl) ? 'nothing' : 'images', mix = 4, onBroken = 'fail' } = options
    if (names.length === 0) throw new InputError('Missing shards', { expected: 'at least one' })
    if (!Number.isInteger(mix) || mix < 1) {
      throw new InputError('Invalid mix', { expected: 'a whole number from 1', found: String(mix) })
    }
    const data = new WebDataset(names, { ...options, check, mix })
    if (check === 'nothing') return data
    for (const [i, name] of names.entries()) {
      await data.look(name, check === 'images')
      options.onProgress?.(i + 1, names.length)
    }
    settleBroken(data.broken, onBroken, names.length === 1 ? (names[0] ?? '') : `${names.length} shards`)
    return data
  }

  async pool(place: number, order: (count: number) => Int32Array): Promise<readonly Sample[] | undefined> {
    const { mix = 1, check, onBroken = 'fail', onLeftOut } = this.options
    const chosen = order(this.shards.length).slice(place * mix, (place + 1) * mix)
    if (chosen.length === 0) return undefined
    const samples: Sample[] = []
    for (const shard of chosen) {
      const name = this.shards[shard] ?? ''
      const read = await this.read(name)
      if (check === 'nothing') {
        settleBroken(read.broken, onBroken, name)
        const found = read.broken.filter(({ where }) => !this.#reported.has(where))
        for (const sample of found) {
          this.#reported.add(sample.where)
          this.#broken.push(sample)
        }
        if (found.length > 0) onLeftOut?.(found)
      }
      for (const sample of read.samples) if (!this.#unreadable.has(sample.key)) samples.push(sample)
    }
    return samples
  }

  private async look(name: string, atImages: boolean): Promise<void> {
    const { signal } = this.options
    signal?.throwIfAborted()
    const { samples, broken } = await this.read(name)
    for (const sample of broken) this.#broken.push(sample)
    if (!atImages) return
    await mapLimited(samples, AT_ONCE, async ({ key, open }) => {
      signal?.throwIfAborted()
      try {
        await decodeImage(await open())
      } catch (error) {
        if (!(error instanceof SiglipError)) throw error
        this.#unreadable.add(key)
        this.#broken.push({ where: key, what: 'unreadable image', detail: error.found ?? '' })
      }
    })
  }

  private async read(name: string): Promise<Shard> {
    const { fetch } = this.options
    const at = isUrl(name) ? new URL(name) : undefined
    const place = at?.pathname ?? path.resolve(name)
    const file = (at ? path.posix : path).basename(place)
    if (at) at.pathname = path.posix.dirname(place)
    const parent = at?.href ?? path.dirname(place)
    const folder = await openFolder(parent, fetch ? { fetch } : {}).catch((cause: unknown) => {
      throw new FileError('Shard not found', { expected: file, found: 'a missing folder', where: parent, cause })
    })
    return readShard(await fileSource(folder, decodeURIComponent(file)), file)
  }
}

const isUrl = (name: string): boolean => /^https?:/i.test(name)
