import { readFile } from 'node:fs/promises'
import path from 'node:path'
import type { Emoji } from './emoji-list.js'
import { isSplit, type Split } from './icon-sets.js'
import { isObject } from './package-folder.js'

/** A drawn emoji. */
export interface EmojiImage {
  /** The vendor. */
  readonly set: string
  readonly split: Split
  readonly emoji: Emoji
  /** Straight red, green, blue and alpha: what `sharp` and the image processors take. */
  readonly pixels: { readonly data: Uint8Array; readonly width: number; readonly height: number; readonly channels: 4 }
}

/** What `make-data.js` drew. */
export interface EmojiData {
  /** All classes, in the order of Unicode. */
  readonly emoji: readonly Emoji[]
  readonly images: readonly EmojiImage[]
}

/** Reads images.json and images.rgba of a folder that `make-data.js` wrote. */
export async function readEmojiData(folder: string): Promise<EmojiData> {
  const index: unknown = JSON.parse(await readFile(path.join(folder, 'images.json'), 'utf8'))
  const bytes = new Uint8Array(await readFile(path.join(folder, 'images.rgba')))
  if (!isObject(index) || typeof index['side'] !== 'number') throw new Error(`${folder} has another images.json`)
  const { side } = index
  const emoji = listOf(index['emoji'], isEmoji)
  const rows = listOf(index['images'], isObject)
  const size = side * side * 4
  if (bytes.length !== rows.length * size) throw new Error(`${folder}: images.rgba doesn’t go with images.json`)
  const images = rows.map(({ set, split, emoji: place }, i) => {
    const shown = emoji[Number(place)]
    if (!shown || !isSplit(split)) throw new Error(`${folder}: image ${i} has an unknown emoji or split`)
    const data = bytes.subarray(i * size, (i + 1) * size)
    return { set: String(set), split, emoji: shown, pixels: { data, width: side, height: side, channels: 4 as const } }
  })
  return { emoji, images }
}

/**
 * The caption of an emoji in training: its label, its label and some of its tags, or only some tags, as users type them.
 *
 * @param random draws numbers from 0 to below 1
 * @param tagShare how often tags are said
 * @param aloneShare how often they are said without the label, of those times
 */
export function emojiCaption({ label, tags }: Emoji, random: () => number, tagShare = 0.35, aloneShare = 0.4): string {
  if (tags.length === 0 || random() >= tagShare) return label
  const isAlone = random() < aloneShare
  const count = Math.min(tags.length, 1 + Math.floor(random() * (isAlone ? 4 : 6)))
  const shuffled = tags.map((tag) => ({ tag, place: random() })).sort((a, b) => a.place - b.place)
  const said = shuffled.slice(0, count).map(({ tag }) => tag)
  return (isAlone ? said : [label, ...said]).join(', ')
}

/** Which emoji a caption of {@link emojiCaption} matches: tags alone match many. */
export function emojiMatches(caption: string, labels: ReadonlySet<string>): (emoji: Emoji) => boolean {
  if (labels.has(caption)) return ({ label }) => label === caption
  const said = caption.split(', ')
  return ({ label, tags }) => said.every((part) => part === label || tags.includes(part))
}

function listOf<T>(value: unknown, isOne: (entry: unknown) => entry is T): readonly T[] {
  if (Array.isArray(value) && value.every(isOne)) return value
  throw new Error('images.json has another form')
}

function isEmoji(value: unknown): value is Emoji {
  return isObject(value) && typeof value['label'] === 'string' && Array.isArray(value['tags'])
}
