import { readRange, type ByteSource } from '../../io/byte-source.js'
import { isToolMade } from '../../image/image-files.js'
import { ReadWindow, tarMembers, type TarMember } from '../../io/tar.js'
import { isOtherImage } from '../../image/left-out-images.js'
import type { BrokenSample } from './broken-sample.js'
import type { Sample } from './sample.js'

/** The samples of a shard, and what in it isn't one. */
export interface Shard {
  readonly samples: readonly Sample[]
  readonly broken: readonly BrokenSample[]
}

const imageEndings = new Set(['jpg', 'jpeg', 'jpe', 'jfif', 'png', 'webp', 'gif', 'tif', 'tiff', 'avif'])
const textEndings = new Set(['txt', 'text', 'caption', 'json', 'cls'])
/** A caption is shorter. */
const MAX_TEXT = 2 ** 20

/** The members of a sample: those of one name, up to the first dot of the file's name. */
interface Group {
  readonly key: string
  image?: TarMember
  /** The ending of an image that is not decoded. */
  otherImage?: string
  /** What the members say, by their endings. */
  readonly texts: Map<string, string>
  readonly broken: BrokenSample[]
}

/**
 * Reads what a WebDataset shard has, all but the images: their places. Members of one name are a sample: an image, its captions
 * in `.txt` (a line each) or in `.json` (`caption` or `text`), its class in `.cls` or in `.json` (`label`). Where there is no
 * caption, the class is the caption.
 *
 * @param name the shard's, for the keys
 * @throws {FormatError} if it is not a tar archive, or is truncated
 */
export async function readShard(source: ByteSource, name: string): Promise<Shard> {
  const window = new ReadWindow(source)
  const groups = new Map<string, Group>()
  for await (const member of tarMembers(source, window)) {
    const [, stem = '', ending = ''] = /^((?:.*\/)?[^/.]+)\.([^/]+)$/.exec(member.name) ?? []
    const kind = ending.toLowerCase()
    const isOther = isOtherImage(`.${kind}`)
    if (!imageEndings.has(kind) && !textEndings.has(kind) && !isOther) continue
    if (folderParts(stem).some(isToolMade)) continue
    const key = `${name}:${stem.normalize()}` // an image and its caption may spell `ü` differently
    const group = groups.get(key) ?? { key, texts: new Map<string, string>(), broken: [] }
    groups.set(key, group)
    if (isOther) group.otherImage = kind
    else if (imageEndings.has(kind) ? group.image : group.texts.has(kind)) {
      group.broken.push({ where: `${name}:${member.name}`, what: 'duplicate', detail: 'there is one before it' })
    } else if (imageEndings.has(kind)) group.image = member
    else group.texts.set(kind, await textOf(window, member, `${name}:${member.name}`, group.broken))
  }
  const read = [...groups.values()].map((group) => sampleOf(group, source))
  return {
    samples: read.flatMap((sample) => ('open' in sample ? sample : [])),
    broken: [
      ...[...groups.values()].flatMap((group) => group.broken),
      ...read.flatMap((found) => ('what' in found ? found : [])),
    ],
  }
}

const folderParts = (stem: string): readonly string[] => stem.split('/').filter((part) => part !== '.' && part !== '..')

async function textOf(
  window: ReadWindow,
  { start, size }: TarMember,
  where: string,
  broken: BrokenSample[],
): Promise<string> {
  if (size > MAX_TEXT) {
    broken.push({ where, what: 'unreadable row', detail: `${size} bytes are not a caption` })
    return ''
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(await window.read(start, start + size))
  } catch {
    broken.push({ where, what: 'not UTF-8', detail: '' })
    return ''
  }
}

function sampleOf({ key, image, otherImage, texts }: Group, source: ByteSource): Sample | BrokenSample {
  if (!image && otherImage !== undefined) {
    return { where: key, what: 'unreadable image', detail: `.${otherImage} is not decoded` }
  }
  if (!image) return { where: key, what: 'missing image', detail: '' }
  const fields = objectOf(texts.get('json'))
  if (!fields) return { where: key, what: 'unreadable row', detail: 'its .json is not an object' }
  const lines = ['txt', 'text', 'caption'].flatMap((ending) => texts.get(ending)?.split('\n') ?? [])
  const said = [...lines, ...[fields['caption'] ?? fields['text']].flat()]
  const label = texts.get('cls')?.trim() ?? fields['label']
  const isLabel = typeof label === 'number' || (typeof label === 'string' && label !== '')
  const captions = [...said, ...(said.some(isText) || !isLabel ? [] : [String(label)])].filter(isText)
  if (captions.length === 0) {
    return { where: key, what: texts.size > 0 ? 'empty caption' : 'no caption', detail: [...texts.keys()].join(', ') }
  }
  return {
    key,
    open: () => readRange(source, image.start, image.start + image.size),
    captions: captions.map((caption) => caption.trim()),
    ...(isLabel && { label: String(label) }),
    fields,
  }
}

const isText = (value: unknown): value is string => typeof value === 'string' && value.trim() !== ''

function objectOf(json: string | undefined): Readonly<Record<string, unknown>> | undefined {
  if (json === undefined) return {}
  try {
    const value: unknown = JSON.parse(json)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined
  } catch {
    return undefined
  }
}
