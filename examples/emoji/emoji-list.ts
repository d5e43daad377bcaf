import { isObject, type JsonObject, type PackageFolder } from './package-folder.js'

/** An emoji without skin tones: a class of the data. */
export interface Emoji {
  /** The character or characters. */
  readonly emoji: string
  /** Its code points as {@link emojiKey} writes them. */
  readonly key: string
  /** Lower case, e.g. `grinning face`. */
  readonly label: string
  /** Lower-case synonyms. */
  readonly tags: readonly string[]
  /** The number of its group: 0 faces, 1 people, 3 animals, 4 food, 5 places, 6 activities, 7 objects, 8 symbols, 9 flags. */
  readonly group: number
}

/** All emoji, and what other characters are known. */
export interface EmojiList {
  /** In the order of Unicode. */
  readonly emoji: readonly Emoji[]
  /** The keys of those with skin tones. */
  readonly toned: ReadonlySet<string>
  /** Names of other vocabularies, by key; only those that mean one emoji. */
  readonly shortcodes: ReadonlyMap<string, string>
}

/** Regional indicators have no group; hair and skin components have this one. */
const COMPONENTS = 2
const vocabularies = ['cldr', 'emojibase', 'github', 'iamcal', 'joypixels']

/** Hexadecimal code points without variation selectors and leading zeros, e.g. `1f469-200d-1f680`. */
export function emojiKey(hexcode: string): string {
  const points = hexcode.toLowerCase().split('-')
  const kept = points.filter((point) => point !== 'fe0f')
  return kept.map((point) => point.replace(/^0+/, '')).join('-')
}

/** A name's letters and digits, as names of different vocabularies are compared. */
export const plainName = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]/g, '')

/** Words that a user may type to find an emoji: its first tags, three at most. */
export const fewTags = (tags: readonly string[]): string => tags.slice(0, 3).join(', ')

/** Reads the emoji of `emojibase-data`. */
export async function readEmojiList(packages: PackageFolder): Promise<EmojiList> {
  const entries = objects(await packages.json('emojibase-data', 'en', 'data.json'))
  const toned = entries.flatMap(({ skins }) => objects(skins)).map(({ hexcode }) => emojiKey(String(hexcode)))
  const emoji = entries.flatMap((entry) => {
    const { group, hexcode, label, emoji: characters, tags } = entry
    if (typeof group !== 'number' || group === COMPONENTS) return []
    return {
      emoji: String(characters),
      key: emojiKey(String(hexcode)),
      label: spoken(String(label)),
      tags: texts(tags),
      group,
    }
  })
  return { emoji, toned: new Set(toned), shortcodes: await shortcodes(packages, new Set(emoji.map(({ key }) => key))) }
}

/** Of two keycaps the label is a mark, which tokenizers leave out: here they are called by its name. */
const spoken = (label: string): string =>
  label.toLowerCase().replace('keycap: #', 'keycap: number sign').replace('keycap: *', 'keycap: asterisk')

async function shortcodes(packages: PackageFolder, known: ReadonlySet<string>): Promise<Map<string, string>> {
  const keys = new Map<string, Set<string>>()
  for (const vocabulary of vocabularies) {
    const file = await packages.object('emojibase-data', 'en', 'shortcodes', `${vocabulary}.json`)
    for (const [hexcode, names] of Object.entries(file)) {
      const key = emojiKey(hexcode)
      if (!known.has(key)) continue
      for (const name of (Array.isArray(names) ? texts(names) : [String(names)]).map(plainName)) {
        keys.set(name, (keys.get(name) ?? new Set()).add(key))
      }
    }
  }
  return new Map([...keys].flatMap(([name, [key = '', ...more]]) => (more.length === 0 ? [[name, key]] : [])))
}

function objects(value: unknown): readonly JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : []
}

function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map((text) => String(text).toLowerCase()) : []
}
