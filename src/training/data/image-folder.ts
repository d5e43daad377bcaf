import { createHash } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import { FileError, SiglipError } from '../../errors.js'
import { decodeImage } from '../../image/decode/decode-image.js'
import { isAnyImageName } from '../../image/image-files.js'
import { mapLimited } from '../../io/map-limited.js'
import { readBytes } from '../../image/decode/read-bytes.js'
import { settleBroken, type BrokenSample, type OnBroken } from './broken-sample.js'
import { readCaptionFile, type CaptionRow } from './caption-file.js'
import { checkOneSplit, depthOfClasses } from './class-folders.js'
import { filesIn } from './files-in.js'
import type { Sample, TrainingData } from './sample.js'

/** How a folder of images is opened. */
export interface ImageFolderOptions {
  /** Default: `'fail'`. */
  readonly onBroken?: OnBroken | undefined
  /** The column of captions. Default: the first existing one of `text`, `caption`, `captions`, `label`. */
  readonly captionColumn?: string | undefined
  /** Called after each image that was checked. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined
  /** Aborts before the next image is validated, with its own reason. */
  readonly signal?: AbortSignal | undefined
}

/** A row's image, before validation. */
interface Listed {
  readonly where: string
  readonly file: string
  readonly captions: readonly string[]
  readonly label: string | undefined
  readonly fields: Readonly<Record<string, unknown>>
}

const captionColumns = ['text', 'caption', 'captions', 'label']
const captionNames = /^metadata\.(jsonl|csv)$/i
/** Captions in forms that are not read: taken no notice of, the folders would be classes. */
const otherCaptionNames = /^metadata\.(tsv|json|ndjson|parquet|arrow|xlsx|feather)$/i
/** Maximum length of a string in JavaScript. */
const MAX_FILE_BYTES = 2 ** 29 - 25
const AT_ONCE = 4

/**
 * A folder of images in the format of Hugging Face's `imagefolder`: with captions in `metadata.jsonl` or `metadata.csv`, in it or in
 * folders inside (`file_name` and `text`; several rows or a list are several captions of an image), or else a folder of folders,
 * each of which is a class; where all are in one split, `train/cat/1.jpg`, the classes are the folders in it. What is hidden or made by a
 * tool is left out.
 */
export class ImageFolder implements TrainingData {
  private constructor(
    readonly location: string,
    readonly samples: readonly Sample[],
    /** The skipped samples. */
    readonly broken: readonly BrokenSample[],
  ) {}

  pool(place: number): Promise<readonly Sample[] | undefined> {
    return Promise.resolve(place === 0 ? this.samples : undefined)
  }

  /** The classes of the samples, sorted; none where there are only captions. */
  get classes(): readonly string[] {
    return [...new Set(this.samples.flatMap(({ label }) => label ?? []))].sort()
  }

  /**
   * Reads the captions and validates every image, so that broken samples are known before training.
   *
   * @throws {FileError} if the folder is missing, contains several splits of the data, or has no usable sample; BrokenDataError with everything that is
   * broken, unless it is to be skipped
   */
  static async open(folder: string, options: ImageFolderOptions = {}): Promise<ImageFolder> {
    const { onBroken = 'fail' } = options
    const files = await filesIn(folder)
    const captionFiles = files.filter((file) => captionNames.test(path.posix.basename(file)))
    const other = files.find((file) => otherCaptionNames.test(path.posix.basename(file)))
    if (captionFiles.length === 0 && other !== undefined) {
      throw new FileError('The captions are in a form that is not read', {
        expected: 'metadata.jsonl or metadata.csv',
        found: other,
        where: folder,
        hint: 'Convert the file.',
      })
    }
    const broken: BrokenSample[] = []
    const listed =
      captionFiles.length > 0
        ? await listedByCaptions(folder, captionFiles, files, options.captionColumn, broken)
        : listedByFolders(folder, files, broken)
    const samples = await lookedAt(folder, merged(listed, broken), broken, options)
    settleBroken(broken, onBroken, folder)
    if (samples.length > 0) return new ImageFolder(folder, samples, broken)
    throw new FileError('The data is empty', {
      expected: 'images with metadata.jsonl or metadata.csv, or a folder of images for each class',
      found: broken.length > 0 ? `${broken.length} broken samples` : `${files.length} files`,
      where: folder,
    })
  }
}

const relative = (folder: string, file: string): string => path.relative(folder, file).split(path.sep).join('/')

async function listedByCaptions(
  folder: string,
  captionFiles: readonly string[],
  files: readonly string[],
  column: string | undefined,
  broken: BrokenSample[],
): Promise<readonly Listed[]> {
  checkOneSplit(captionFiles, folder)
  const nameOnDisk = namesOnDisk(files)
  const listed: Listed[] = []
  for (const name of captionFiles) {
    const file = path.join(folder, name)
    const { size } = await stat(file)
    if (size > MAX_FILE_BYTES) {
      throw new FileError('The captions are too many for one file', {
        expected: `at most ${MAX_FILE_BYTES} bytes`,
        found: String(size),
        where: file,
        hint: 'Pack the data as WebDataset shards.',
      })
    }
    const read = readCaptionFile(await readFile(file), name)
    for (const row of read.broken) broken.push(row)
    for (const row of read.rows) {
      const found = listedRow(row, folder, path.posix.dirname(name), column)
      if ('what' in found) broken.push(found)
      else listed.push({ ...found, file: nameOnDisk(found.file) })
    }
  }
  const known = new Set(listed.map(({ file }) => file))
  const hasRows = listed.length > 0 // else every image would be named for the one file that can't be read
  for (const file of files) {
    if (!hasRows || !isAnyImageName(file) || known.has(file)) continue
    broken.push({ where: file, what: 'no caption', detail: 'no row names it' })
  }
  return listed
}

function listedRow(
  { where, columns }: CaptionRow,
  folder: string,
  beside: string,
  column: string | undefined,
): Listed | BrokenSample {
  const { file_name: name, ...fields } = columns
  if (typeof name !== 'string' || name === '') return { where, what: 'unreadable row', detail: 'it has no file_name' }
  const file = relative(folder, path.resolve(folder, beside, name))
  if (file.startsWith('../') || path.isAbsolute(file)) return { where, what: 'outside the folder', detail: name }
  const chosen = column ?? captionColumns.find((candidate) => candidate in fields)
  const value = chosen === undefined ? undefined : fields[chosen]
  const captions = (Array.isArray(value) ? value : [value]).map((caption) =>
    typeof caption === 'string' || typeof caption === 'number' ? String(caption).trim() : '',
  )
  if (captions.length === 0 || captions.includes('')) {
    const isThere = chosen !== undefined && chosen in fields
    const lacking = `no column ${chosen ?? captionColumns.join(' or ')}; there are ${Object.keys(columns).join(', ')}`
    return { where, what: 'empty caption', detail: isThere ? file : lacking }
  }
  const label = fields['label']
  const isLabel = typeof label === 'string' || typeof label === 'number'
  return { where, file, captions, label: isLabel ? String(label) : undefined, fields }
}

/**
 * Finds the name that a file has on disk, which may spell `ü` as one character or as two, whatever the row does. What is named exactly,
 * or nowhere, or twice is left as it is.
 */
function namesOnDisk(files: readonly string[]): (name: string) => string {
  const exact = new Set(files)
  const composed = new Map<string, string | undefined>()
  for (const file of files) composed.set(file.normalize(), composed.has(file.normalize()) ? undefined : file)
  return (name) => (exact.has(name) ? name : (composed.get(name.normalize()) ?? name))
}

function listedByFolders(folder: string, files: readonly string[], broken: BrokenSample[]): readonly Listed[] {
  const images = files.filter(isAnyImageName)
  const depth = depthOfClasses(images, folder)
  return images.flatMap((file) => {
    const parts = file.split('/')
    const label = parts[depth]?.normalize() // so that a class is the same one wherever its folder was made
    if (parts.length > depth + 1 && label !== undefined) {
      return { where: file, file, captions: [label.replaceAll('_', ' ')], label, fields: {} }
    }
    broken.push({ where: file, what: 'no caption', detail: 'it is in no folder of a class' })
    return []
  })
}

/** Several rows of an image are several captions of it; the same row again is broken. */
function merged(listed: readonly Listed[], broken: BrokenSample[]): readonly Listed[] {
  const byFile = new Map<string, { readonly first: Listed; readonly captions: Set<string> }>()
  for (const row of listed) {
    const known = byFile.get(row.file)
    if (!known) byFile.set(row.file, { first: row, captions: new Set(row.captions) })
    else if (row.captions.every((caption) => known.captions.has(caption))) {
      broken.push({ where: row.where, what: 'duplicate', detail: `of ${known.first.where}` })
    } else for (const caption of row.captions) known.captions.add(caption)
  }
  return Array.from(byFile.values(), ({ first, captions }) => ({ ...first, captions: [...captions] }))
}

/** The samples whose images can be decoded, each image with its captions once. */
async function lookedAt(
  folder: string,
  listed: readonly Listed[],
  broken: BrokenSample[],
  { onProgress, signal }: ImageFolderOptions,
): Promise<readonly Sample[]> {
  let done = 0
  const looks = await mapLimited(listed, AT_ONCE, async (row) => {
    signal?.throwIfAborted()
    const look = await lookAt(folder, row)
    onProgress?.(++done, listed.length)
    return look
  })
  const firstByHash = new Map<string, string>()
  return looks.flatMap((look, i) => {
    const row = listed[i]
    if (!row) return []
    if (typeof look !== 'string') {
      broken.push(look)
      return []
    }
    const twin = firstByHash.get(look)
    if (twin !== undefined) {
      broken.push({ where: row.where, what: 'duplicate', detail: `the image and captions of ${twin}` })
      return []
    }
    firstByHash.set(look, row.where)
    const { file, captions, label, fields } = row
    const location = path.join(folder, file)
    return { key: file, open: () => location, captions, ...(label !== undefined && { label }), fields }
  })
}

/** A hash of the image and its captions, or the fault. */
async function lookAt(folder: string, { file, where, captions }: Listed): Promise<string | BrokenSample> {
  const place = where === file ? where : `${where}: ${file}`
  try {
    const { bytes } = await readBytes(path.join(folder, file), {})
    await decodeImage(bytes)
    return createHash('sha1').update(bytes).update(captions.join('\n')).digest('base64')
  } catch (error) {
    if (!(error instanceof SiglipError)) throw error
    const isMissing = error instanceof FileError
    const what = isMissing && error.found === 'nothing' ? 'missing image' : 'unreadable image'
    return { where: place, what, detail: isMissing ? '' : [error.message.split(':')[0], error.found].join(': ') }
  }
}
