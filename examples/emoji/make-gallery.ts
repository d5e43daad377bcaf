/** Puts emoji that the model was tested on into one image: what the demo searches. The same by a vendor that it knows go into another. */
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { parseArgs } from 'node:util'
import sharp from 'sharp'
import { readEmojiData, type EmojiImage } from './emoji-data.js'
import { emojiKey } from './emoji-list.js'
import { GALLERY_COLUMNS, type GalleryEmoji } from './gallery.js'
import { isObject, PackageFolder } from './package-folder.js'

const usage = `node dist/examples/emoji/make-gallery.js --data FOLDER --out FOLDER

Writes twemoji.png and noto.png, every fourth emoji that both vendors have, in rows of ${GALLERY_COLUMNS}; emoji.json, which says what they
are; and images/, a few single ones.

  --data FOLDER   what make-data.js wrote          [out/emoji-data]
  --cache FOLDER  where it had npm put the packages [out/emoji-packages]
  --out FOLDER    where the gallery goes           [examples/emoji/gallery]
`
const { values: options } = parseArgs({
  options: {
    data: { type: 'string', default: 'out/emoji-data' },
    cache: { type: 'string', default: 'out/emoji-packages' },
    out: { type: 'string', default: 'examples/emoji/gallery' },
    help: { type: 'boolean', default: false },
  },
})

/** Emoji that are also written as single files. */
const ALONE: ReadonlySet<string> = new Set([
  ...['rainbow', 'hamburger', 'dog face', 'hot beverage', 'rocket', 'crab'],
  ...['guitar', 'umbrella', 'bicycle', 'snowman', 'red apple', 'locomotive'],
])

/** Names in Spanish, by the emoji's key. */
async function spanishNames(): Promise<ReadonlyMap<string, string>> {
  const entries = await new PackageFolder(path.resolve(options.cache)).json('emojibase-data', 'es', 'data.json')
  const named = Array.isArray(entries) ? entries.filter(isObject) : []
  return new Map(named.map(({ hexcode, label }) => [emojiKey(String(hexcode)), String(label).toLowerCase()]))
}

async function writeSheet(name: string, images: readonly EmojiImage[]): Promise<void> {
  const side = images[0]?.pixels.width ?? 0
  const height = Math.ceil(images.length / GALLERY_COLUMNS) * side
  const empty = { width: GALLERY_COLUMNS * side, height, channels: 4 as const, background: '#0000' }
  const tiles = images.map(({ pixels: { data, ...raw } }, i) => ({
    input: Buffer.from(data),
    raw,
    left: (i % GALLERY_COLUMNS) * side,
    top: Math.floor(i / GALLERY_COLUMNS) * side,
  }))
  const sheet = sharp({ create: empty }).composite(tiles).png({ compressionLevel: 9, effort: 10 })
  await sheet.toFile(path.join(options.out, `${name}.png`))
}

async function makeGallery(): Promise<void> {
  const { images } = await readEmojiData(options.data)
  const of = (vendor: string) =>
    new Map(images.filter(({ set }) => set === vendor).map((image) => [image.emoji.key, image]))
  const [twemoji, noto, spanish] = [of('twemoji'), of('noto'), await spanishNames()]
  const keys = [...twemoji.keys()].filter((key) => noto.has(key)).sort()
  const chosen = keys.filter((_, i) => i % 4 === 0)
  const imagesOf = (set: ReadonlyMap<string, EmojiImage>) => chosen.flatMap((key) => set.get(key) ?? [])
  await mkdir(options.out, { recursive: true })
  await writeSheet('twemoji', imagesOf(twemoji))
  await writeSheet('noto', imagesOf(noto))
  const list = imagesOf(twemoji).map(({ emoji: { emoji, key, label, tags } }): GalleryEmoji => {
    return { emoji, label, tags, spanish: spanish.get(key) ?? label }
  })
  const lines = list.map((entry) => `  ${JSON.stringify(entry)}`).join(',\n')
  await writeFile(path.join(options.out, 'emoji.json'), `[\n${lines}\n]\n`)
  await mkdir(path.join(options.out, 'pictures'), { recursive: true })
  for (const { emoji, pixels } of twemoji.values()) {
    if (!ALONE.has(emoji.label)) continue
    const { data, ...raw } = pixels
    const file = path.join(options.out, 'pictures', `${emoji.label.replaceAll(' ', '-')}.png`)
    await sharp(data, { raw }).png({ compressionLevel: 9 }).toFile(file)
  }
  console.log(`${chosen.length} emoji in ${options.out}`)
}

if (options.help) console.log(usage)
else await makeGallery()
