import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { emojiKey, readEmojiList } from '../../../examples/emoji/emoji-list.js'
import { IconNames } from '../../../examples/emoji/icon-names.js'
import { iconSets, splitOf } from '../../../examples/emoji/icon-sets.js'
import { PackageFolder } from '../../../examples/emoji/package-folder.js'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'siglip-icons-'))
  const icon = (body: string) => ({ body })
  const square = { width: 10, height: 20 }
  await writePackages({
    'emojibase-data/en/data.json': [
      { label: 'regional indicator A', hexcode: '1F1E6', emoji: '🇦' },
      {
        label: 'Waving Hand',
        hexcode: '1F44B',
        emoji: '👋',
        tags: ['Bye'],
        group: 1,
        skins: [{ hexcode: '1F44B-1F3FB' }],
      },
      { label: 'red hair', hexcode: '1F9B0', emoji: '🦰', group: 2 },
      { label: 'dog face', hexcode: '1F436', emoji: '🐶', tags: ['pet'], group: 3 },
      { label: 'keycap: #', hexcode: '0023-FE0F-20E3', emoji: '#️⃣', group: 8 },
      { label: 'flag: Austria', hexcode: '1F1E6-1F1F9', emoji: '🇦🇹', group: 9 },
      { label: 'flag: United Kingdom', hexcode: '1F1EC-1F1E7', emoji: '🇬🇧', group: 9 },
      { label: 'flag: Scotland', hexcode: '1F3F4-E0067-E0062-E0073-E0063-E0074-E007F', emoji: '🏴󠁧󠁢󠁳󠁣󠁴󠁿', group: 9 },
    ],
    'emojibase-data/en/shortcodes/cldr.json': { '1F44B': ['hi', 'both'], '1F436': 'both' },
    ...Object.fromEntries(
      ['emojibase', 'github', 'iamcal', 'joypixels'].map((name) => [`emojibase-data/en/shortcodes/${name}.json`, {}]),
    ),
    '@iconify-json/twemoji/icons.json': {
      ...square,
      icons: { hello: icon('<a/>'), 'hello-light': icon('<b/>') },
      aliases: { 'other-hello': { parent: 'hello' }, dog: { parent: 'hello', hFlip: true } },
    },
    '@iconify-json/twemoji/chars.json': {
      '1f44b': 'hello',
      '1f44b-1f3fb': 'hello-light',
      '1f436': 'dog',
      ffff: 'lost',
    },
    '@iconify-json/noto/icons.json': { icons: { 'flag-for-flag-austria': icon('<c/>') } },
    '@iconify-json/noto/chars.json': {},
    '@iconify-json/fluent-emoji-flat/icons.json': { icons: {} },
    '@iconify-json/fluent-emoji-flat/chars.json': {},
    '@iconify-json/emojione/icons.json': {
      icons: { 'other-hello': icon('<d/>'), 'dog-face': icon('<e/>'), both: icon('<f/>'), 'hello-light': icon('<g/>') },
    },
    '@iconify-json/fxemoji/icons.json': { icons: { dog: icon('<h/>'), hi: icon('<i/>'), pout: icon('<j/>') } },
    '@iconify-json/streamline-emojis/icons.json': {
      icons: {
        'dog-face-2': icon('<p/>'),
        'other-hello-1': icon('<q/>'),
        'dog-face-3': icon('<r/>'),
        'dog-2-face': icon('<s/>'),
      },
    },
    '@iconify-json/flag/icons.json': {
      icons: { 'at-1x1': icon('<s/>'), 'at-4x3': icon('<t/>'), 'gb-sct-4x3': icon('<u/>'), 'es-ct-4x3': icon('<v/>') },
    },
    '@lobehub/fluent-emoji-3d/assets/1f44b.webp': '',
    '@lobehub/fluent-emoji-3d/assets/1f44b-1f3fb.webp': '',
    '@lobehub/fluent-emoji-3d/assets/23-fe0f-20e3.webp': '',
    '@iconify-json/flagpack/icons.json': {
      icons: {
        at: icon('<k/>'),
        'gb-sct': icon('<l/>'),
        'gb-eng': icon('<m/>'),
        gb: icon('<n/>'),
        'gb-ukm': icon('<o/>'),
      },
    },
  })
})
afterAll(() => rm(folder, { recursive: true, force: true }))

async function writePackages(files: Readonly<Record<string, unknown>>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    const file = path.join(folder, 'node_modules', name)
    await mkdir(path.dirname(file), { recursive: true })
    await writeFile(file, JSON.stringify(content))
  }
}

/** The labels that the icons of a set show, by their names. */
async function shown(name: string): Promise<Record<string, string | undefined>> {
  const packages = new PackageFolder(folder)
  const list = await readEmojiList(packages)
  const set = iconSets.find((candidate) => candidate.name === name)
  const icons = set ? await (await IconNames.read(list, packages)).iconsOf(set) : []
  return Object.fromEntries(icons.map(({ icon, emoji }) => [icon, list.emoji[emoji]?.label]))
}

it('the list has emoji with a group, without components and skin tones, and says what tokenizers leave out', async () => {
  const { emoji, toned } = await readEmojiList(new PackageFolder(folder))
  expect(emoji.map(({ label }) => label)).toEqual([
    'waving hand',
    'dog face',
    'keycap: number sign',
    'flag: austria',
    'flag: united kingdom',
    'flag: scotland',
  ])
  expect(emoji[0]).toMatchObject({ key: '1f44b', tags: ['bye'] })
  expect([...toned]).toEqual(['1f44b-1f3fb'])
  expect(emojiKey('0023-FE0F-20E3')).toBe('23-20e3')
})

it('icons are known by characters, by the names of others, by country', async () => {
  expect(await shown('twemoji')).toEqual({ hello: 'waving hand', dog: 'dog face' })
  expect(await shown('noto')).toEqual({ 'flag-for-flag-austria': 'flag: austria' })
  expect(await shown('emojione')).toEqual({ 'other-hello': 'waving hand', 'dog-face': 'dog face' })
  expect(await shown('fxemoji')).toEqual({ dog: 'dog face', hi: 'waving hand' })
  expect(await shown('flagpack')).toEqual({
    at: 'flag: austria',
    'gb-sct': 'flag: scotland',
    'gb-ukm': 'flag: united kingdom',
  })
  expect(await shown('flag')).toEqual({ 'at-4x3': 'flag: austria', 'gb-sct-4x3': 'flag: scotland' })
})

it('of several drawings of one thing, which are numbered, one is taken', async () => {
  expect(await shown('streamline-emojis')).toEqual({ 'dog-face-2': 'dog face', 'other-hello-1': 'waving hand' })
})

it('images are named by their characters', async () => {
  expect(await shown('fluent-emoji-3d')).toEqual({ '1f44b': 'waving hand', '23-fe0f-20e3': 'keycap: number sign' })
})

it('an alias may be its parent the other way round', async () => {
  const packages = new PackageFolder(folder)
  const names = await IconNames.read(await readEmojiList(packages), packages)
  const [twemoji] = iconSets.filter(({ name }) => name === 'twemoji')
  const [hello, dog] = await names.iconsOf(twemoji!)
  expect(hello?.source).toEqual({
    svg: expect.stringMatching(/width="64" height="64" viewBox="0 0 10 20"><a\/><\/svg>$/) as string,
  })
  expect(dog?.source).toEqual({
    svg: expect.stringContaining('<g transform="translate(10 0) scale(-1 1)"><a/></g>') as string,
  })
})

it('one vendor is held out wholly, and a tenth of another', () => {
  const places = Array.from({ length: 100 }, (_, place) => place)
  const splits = (set: string) => places.map((place) => splitOf(set, place))
  expect(new Set(splits('twemoji'))).toEqual(new Set(['test']))
  expect(splits('emojione').filter((split) => split === 'validation')).toHaveLength(10)
  expect(new Set(splits('emojione'))).toEqual(new Set(['train', 'validation']))
  for (const { name } of iconSets.filter((set) => !['twemoji', 'emojione'].includes(set.name))) {
    expect(new Set(splits(name))).toEqual(new Set(['train']))
  }
})
