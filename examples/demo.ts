/**
 * `npm run demo`: the bundled model finds emoji by text, and labels for emoji. They are drawn by a vendor
 * whose emoji are not in its training data. The second image of it is a contact sheet: node dist/examples/demo.js [SHEET.svg]
 */
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { pipeline } from 'siglip-tfjs'
import { contactSheet, type SheetRow } from './emoji/contact-sheet.js'
import { galleryFolder, readGallery } from './emoji/gallery.js'

const [sheet = 'out/demo.svg'] = process.argv.slice(2)
const gallery = await readGallery(galleryFolder())
const byWords = ['fruit', 'love', 'weather', 'vegetable', 'clock', 'car', 'animal face', 'building']
const byEmoji = gallery.filter((_, i) => i % 50 === 25)

const classify = await pipeline('zero-shot-image-classification')
const start = performance.now()

// All images with all texts: for each text the images that go best with it.
const scores = await classify(
  gallery.map(({ pixels }) => pixels),
  byWords,
)
const found = byWords.map((text) =>
  gallery
    .map((emoji, i) => ({ emoji, score: scores[i]?.find(({ label }) => label === text)?.score ?? 0 }))
    .sort((a, b) => b.score - a.score)
    .slice(0, 6),
)

// And for some images the texts.
const labels = [...new Set(gallery.map(({ label }) => label))]
const named = await classify(
  byEmoji.map(({ pixels }) => pixels),
  labels,
  { topK: 3 },
)
const seconds = (performance.now() - start) / 1000

const percent = (score: number): string => `${Math.round(100 * score)} %`
console.log(`\nEmoji found by words, among ${gallery.length} of a vendor that the model has never seen:\n`)
for (const [i, text] of byWords.entries()) {
  const best = found[i]?.map(({ emoji, score }) => `${emoji.emoji} ${percent(score)}`) ?? []
  console.log(`  ${text.padEnd(26)} ${best.join('   ')}`)
}
console.log(`\nWords found by emoji, among ${labels.length}:\n`)
for (const [i, { emoji }] of byEmoji.entries()) {
  console.log(`  ${emoji}  ${named[i]?.map(({ label, score }) => `${label} ${percent(score)}`).join(', ')}`)
}

const wordRows = byWords.map((text, i): SheetRow => {
  const best = found[i] ?? []
  return { text, found: best.map(({ emoji }) => emoji.pixels), scores: best.map(({ score }) => score) }
})
const emojiRows = byEmoji.map(({ pixels }, i): SheetRow => {
  const best = named[i] ?? []
  return { text: '', image: pixels, found: best.map(({ label }) => label), scores: best.map(({ score }) => score) }
})
await mkdir(path.dirname(sheet), { recursive: true })
await writeFile(
  sheet,
  await contactSheet([
    ['Emoji found by words', wordRows],
    ['Words found by emoji', emojiRows],
  ]),
)
console.log(`\n${gallery.length + byEmoji.length} images in ${seconds.toFixed(1)} s. As an image: ${sheet}`)
classify.dispose()
