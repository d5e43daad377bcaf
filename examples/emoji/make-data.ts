/** Draws all emoji of several vendors as images with captions: what the bundled model is trained and tested on. */
import { createHash } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { parseArgs } from 'node:util'
import sharp from 'sharp'
import { fewTags, readEmojiList, type Emoji } from './emoji-list.js'
import { IconDrawer } from './icon-drawer.js'
import { IconNames, SIDE } from './icon-names.js'
import { iconSets, otherPackages, packageOf, splitOf, splits, type Split } from './icon-sets.js'
import { PackageFolder } from './package-folder.js'

const usage = `node dist/examples/emoji/make-data.js --out FOLDER

Draws the emoji of ${iconSets.length} vendors at ${SIDE} pixels, with the labels and tags of emojibase-data. FOLDER gets train, validation and
test, each a folder of PNG files with metadata.jsonl, and once more everything in two files that load at once: images.rgba and
images.json. captions.txt is what the tokenizer is trained on.

  --out FOLDER    what is written                        [out/emoji-data]
  --cache FOLDER  where npm puts the packages            [out/emoji-packages]
`
const { values: options } = parseArgs({
  options: {
    out: { type: 'string', default: 'out/emoji-data' },
    cache: { type: 'string', default: 'out/emoji-packages' },
    help: { type: 'boolean', default: false },
  },
})

/** A drawn image of the emoji at a place of the list. */
interface Image {
  readonly set: string
  readonly icon: string
  readonly emoji: number
  readonly split: Split
  /** Straight red, green, blue and alpha. */
  readonly pixels: Uint8Array
}

/** Less alpha than of so many opaque pixels, and nothing is to be seen. */
const FEWEST_PIXELS = 40

async function draw(names: IconNames, drawer: IconDrawer): Promise<readonly Image[]> {
  const images: Image[] = []
  const setsByHash = new Map<string, string>()
  for (const iconSet of iconSets) {
    const set = iconSet.name
    const icons = await names.iconsOf(iconSet)
    const skipped: string[] = []
    for (const { emoji, icon, source } of icons) {
      const pixels = 'svg' in source ? await drawer.draw(source.svg) : await shrink(source.file)
      if (typeof pixels === 'string') skipped.push(`${icon} (${pixels})`)
      else if (pixels.length !== SIDE * SIDE * 4) skipped.push(`${icon} (not ${SIDE} × ${SIDE} pixels)`)
      else if (opacity(pixels) < FEWEST_PIXELS) skipped.push(`${icon} (empty)`)
      else {
        const hash = createHash('sha1').update(pixels).update(String(emoji)).digest('base64')
        const twin = setsByHash.get(hash)
        setsByHash.set(hash, set)
        if (twin !== undefined) skipped.push(`${icon} (it is that of ${twin})`)
        else images.push({ set, icon, emoji, split: splitOf(set, emoji), pixels })
      }
    }
    console.log(`${set}: ${icons.length - skipped.length} images`)
    for (const reason of skipped) console.log(`  left out ${reason}`)
  }
  return images
}

const shrink = (file: string): Promise<Uint8Array> =>
  sharp(file).resize(SIDE, SIDE, { fit: 'fill' }).ensureAlpha().raw().toBuffer()

const opacity = (pixels: Uint8Array): number =>
  pixels.reduce((sum, sample, i) => (i % 4 === 3 ? sum + sample : sum), 0) / 255

/** A folder in the format of Hugging Face's `imagefolder`. */
async function writeFolder(folder: string, images: readonly Image[], list: readonly Emoji[]): Promise<void> {
  const lines: string[] = []
  for (const { set, emoji: place, pixels } of images) {
    const { key, emoji, label, tags } = emojiAt(list, place)
    const file_name = `${set}/${key}.png`
    await mkdir(path.join(folder, set), { recursive: true })
    await sharp(pixels, { raw: { width: SIDE, height: SIDE, channels: 4 } }).toFile(path.join(folder, file_name))
    lines.push(JSON.stringify({ file_name, text: label, words: fewTags(tags), tags, emoji, set }))
  }
  await writeFile(path.join(folder, 'metadata.jsonl'), `${lines.join('\n')}\n`)
}

/** All images one after another, and what they are. */
async function writePacked(folder: string, images: readonly Image[], emoji: readonly Emoji[]): Promise<void> {
  await writeFile(path.join(folder, 'images.rgba'), Buffer.concat(images.map(({ pixels }) => pixels)))
  const rows = images.map(({ set, icon, emoji, split }) => ({ set, icon, emoji, split }))
  await writeFile(path.join(folder, 'images.json'), JSON.stringify({ side: SIDE, emoji, images: rows }))
}

function emojiAt(list: readonly Emoji[], place: number): Emoji {
  const emoji = list[place]
  if (emoji) return emoji
  throw new RangeError(`unknown emoji ${place}`)
}

async function makeData(): Promise<void> {
  const packages = await PackageFolder.install(options.cache, [...iconSets.map(packageOf), ...otherPackages])
  const list = await readEmojiList(packages)
  const drawer = new IconDrawer(packages.folder)
  try {
    const images = await draw(await IconNames.read(list, packages), drawer)
    await mkdir(options.out, { recursive: true })
    for (const split of splits) {
      const those = images.filter((image) => image.split === split)
      await writeFolder(path.join(options.out, split), those, list.emoji)
      console.log(`${split}: ${those.length} images of ${new Set(those.map(({ emoji }) => emoji)).size} emoji`)
    }
    await writePacked(options.out, images, list.emoji)
    const captions = list.emoji.flatMap(({ label, tags }) =>
      tags.length > 0 ? [label, [label, ...tags].join(', ')] : label,
    )
    await writeFile(path.join(options.out, 'captions.txt'), `${captions.join('\n')}\n`)
  } finally {
    drawer.end()
  }
}

if (options.help) console.log(usage)
else await makeData()
