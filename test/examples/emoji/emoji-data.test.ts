import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { emojiCaption, emojiMatches, readEmojiData } from '../../../examples/emoji/emoji-data.js'
import { uniformStream } from '../../../src/random.js'

const emoji = { emoji: '🐶', key: '1f436', label: 'dog face', tags: ['pet', 'puppy'], group: 3 }
let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'siglip-emoji-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

async function write(bytes: number, split = 'train'): Promise<void> {
  const images = [
    { set: 'noto', icon: 'dog', emoji: 0, split },
    { set: 'twemoji', icon: 'dog', emoji: 0, split: 'test' },
  ]
  await writeFile(path.join(folder, 'images.json'), JSON.stringify({ side: 2, emoji: [emoji], images }))
  await writeFile(
    path.join(folder, 'images.rgba'),
    Uint8Array.from({ length: bytes }, (_, i) => i),
  )
}

it('reads what was drawn', async () => {
  await write(32)
  const { images } = await readEmojiData(folder)
  expect(images.map(({ set, split, emoji: { label } }) => [set, split, label])).toEqual([
    ['noto', 'train', 'dog face'],
    ['twemoji', 'test', 'dog face'],
  ])
  expect(images[1]?.pixels).toMatchObject({ width: 2, height: 2, channels: 4 })
  expect([...(images[1]?.pixels.data ?? [])]).toEqual(Array.from({ length: 16 }, (_, i) => 16 + i))
})

it('refuses files that do not go together', async () => {
  await write(31)
  await expect(readEmojiData(folder)).rejects.toThrow('images.rgba')
  await write(32, 'other')
  await expect(readEmojiData(folder)).rejects.toThrow('image 0')
})

it('says the label, the label with tags, and tags alone, as often as asked', () => {
  const random = uniformStream(1)
  const said = Array.from({ length: 4000 }, () => emojiCaption(emoji, random, 0.5, 0.25))
  const share = (pattern: RegExp) => said.filter((caption) => pattern.test(caption)).length / said.length
  expect(share(/^dog face$/)).toBeCloseTo(0.5, 1)
  expect(share(/^dog face, /)).toBeCloseTo(0.375, 1)
  expect(share(/^(pet|puppy)/)).toBeCloseTo(0.125, 1)
  expect(new Set(said).size).toBe(1 + 4 + 4) // each tag, and both in either order
  expect(emojiCaption({ ...emoji, tags: [] }, random, 1, 1)).toBe('dog face')
})

it('tags alone are true of all that have them, labels of their own emoji alone', () => {
  const cat = { emoji: '🐱', key: '1f431', label: 'cat face', tags: ['pet', 'kitten'], group: 3 }
  const labels = new Set(['dog face', 'cat face', 'pet rock'])
  const both = (caption: string) => [emoji, cat].map(emojiMatches(caption, labels))
  expect(both('pet')).toEqual([true, true])
  expect(both('puppy, pet')).toEqual([true, false])
  expect(both('cat face')).toEqual([false, true])
  expect(both('cat face, pet')).toEqual([false, true])
  expect(emojiMatches('pet rock', labels)({ ...emoji, tags: ['pet rock'] })).toBe(false)
})
