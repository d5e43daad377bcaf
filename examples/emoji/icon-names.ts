import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { emojiKey, plainName, type EmojiList } from './emoji-list.js'
import { fxemojiNames } from './fxemoji-names.js'
import type { IconSet } from './icon-sets.js'
import { isObject, type JsonObject, type PackageFolder } from './package-folder.js'

/** An icon that shows an emoji. */
export interface NamedIcon {
  /** The emoji's place in the list. */
  readonly emoji: number
  readonly icon: string
  /** Whether it is drawn the other way round. */
  readonly isMirrored: boolean
  /** What it is drawn from: an SVG, or the file of an image. */
  readonly source: { readonly svg: string } | { readonly file: string }
}

/** An icon of a set, and the key of what it shows, which may be no emoji of the list. */
type KeyedIcon = Omit<NamedIcon, 'emoji'> & { readonly key: string }

/** The sides of the drawn images, in pixels. */
export const SIDE = 64

/** The sets whose own tables say which character an icon shows; their names serve the others. */
const withCharacters = ['twemoji', 'noto', 'fluent-emoji-flat']

/** Tells which icon shows which emoji. */
export class IconNames {
  readonly #places: ReadonlyMap<string, number>

  private constructor(
    private readonly list: EmojiList,
    private readonly packages: PackageFolder,
    /** The names of the sets that have characters, by their keys. */
    private readonly names: ReadonlyMap<string, string>,
  ) {
    this.#places = new Map(list.emoji.map(({ key }, place) => [key, place]))
  }

  static async read(list: EmojiList, packages: PackageFolder): Promise<IconNames> {
    const names = new Map<string, string>()
    const add = (name: string, key: string | undefined): void => {
      if (key !== undefined && !names.has(name)) names.set(name, key)
    }
    for (const set of withCharacters) {
      const { aliases } = await readIcons(packages, set)
      for (const [hexcode, name] of await characters(packages, set)) add(name, emojiKey(hexcode))
      for (const [name, { parent, isMirrored }] of aliases) if (!isMirrored) add(name, names.get(parent))
    }
    return new IconNames(list, packages, names)
  }

  /** The icons of a set that show emoji of the list, each emoji once. */
  async iconsOf(set: IconSet): Promise<readonly NamedIcon[]> {
    const found = new Map<number, NamedIcon>()
    const all = set.imagesOf === undefined ? await this.drawingsOf(set) : await this.imagesOf(set.imagesOf)
    for (const { key, ...icon } of all) {
      const emoji = this.#places.get(key)
      if (emoji !== undefined && !found.has(emoji)) found.set(emoji, { emoji, ...icon })
    }
    return [...found.values()]
  }

  private async drawingsOf(set: IconSet): Promise<readonly KeyedIcon[]> {
    const icons = await readIcons(this.packages, set.name)
    return (await this.keysOf(set, icons)).flatMap(([key, icon]) => {
      const drawn = toSvg(icons, icon)
      return drawn ? { key, icon, ...drawn } : []
    })
  }

  private async imagesOf(name: string): Promise<readonly KeyedIcon[]> {
    const folder = path.join(this.packages.folder, 'node_modules', name, 'assets')
    return (await readdir(folder)).sort().map((fileName) => {
      const icon = path.parse(fileName).name
      return { key: emojiKey(icon), icon, isMirrored: false, source: { file: path.join(folder, fileName) } }
    })
  }

  private async keysOf(set: IconSet, { icons }: Icons): Promise<readonly (readonly [key: string, icon: string])[]> {
    const names = [...icons.keys()]
    const flags = this.flags()
    switch (set.namedBy) {
      case 'characters': {
        const listed = await characters(this.packages, set.name)
        const named = listed.map(([hexcode, icon]) => [emojiKey(hexcode), icon] as const)
        return [...named, ...names.map((icon) => [flags.get(flagName(icon)) ?? '', icon] as const)]
      }
      case 'names': {
        const guesses = this.guesses()
        return names.map((icon) => {
          const key = this.names.get(icon) ?? flags.get(flagName(icon)) ?? ''
          const isKnown = this.#places.has(key) || this.list.toned.has(key)
          return [
            isKnown ? key : (guesses.get(plainName(icon)) ?? guesses.get(plainName(numberless(icon))) ?? ''),
            icon,
          ]
        })
      }
      case 'fxemoji': {
        const guesses = this.guesses()
        const own = new Map(Object.entries(fxemojiNames).map(([icon, emoji]) => [icon, emoji && keyOf(emoji)]))
        return names.map((icon) => [own.get(icon) ?? guesses.get(plainName(icon)) ?? '', icon])
      }
      case 'countries':
        // Longer codes first: what flagpack has as `gb` is England's flag, and `gb-ukm` is the United Kingdom's.
        return names
          .sort((one, other) => other.length - one.length)
          .map((icon) => [countryKey(icon.replace(/-4x3$/, '')), icon])
    }
  }

  /** What a name may mean, by the labels, the names of other sets and the shortcodes, in this order. */
  private guesses(): ReadonlyMap<string, string> {
    const all = [
      ...this.list.emoji.map(({ label, key }) => [label, key] as const),
      ...[...this.names].filter(([, key]) => this.#places.has(key)),
      ...this.list.shortcodes,
    ]
    return new Map(all.map(([name, key]) => [plainName(name), key] as const).reverse())
  }

  /** The keys of flags by the plain names of their countries. */
  private flags(): ReadonlyMap<string, string> {
    const flags = this.list.emoji.filter(({ label }) => label.startsWith('flag: '))
    return new Map(flags.map(({ label, key }) => [plainName(label.slice(6).replace('&', 'and')), key]))
  }
}

/** The country in a name such as `flag-for-flag-austria`, as the labels have it. */
function flagName(icon: string): string {
  const [, name = ''] = /^flag-for-(?:flag-)?(.*)/.exec(icon) ?? []
  const plain = plainName(name)
  return otherCountryNames[plain] ?? plain.replace(/^saint/, 'st')
}

const otherCountryNames: Readonly<Record<string, string>> = { czechrepublic: 'czechia' }

/** Of several drawings of one thing, some sets number the later ones, e.g. `hot-beverage-2`. */
const numberless = (icon: string): string => icon.replace(/-\d$/, '')

/** The key of an emoji's characters. */
const keyOf = (emoji: string): string =>
  emojiKey(Array.from(emoji, (character) => (character.codePointAt(0) ?? 0).toString(16)).join('-'))

/** The flag of `fr`, or of `gb-sct`: letters are regional indicators, or tags behind a black flag. */
function countryKey(code: string): string {
  const spelt = (start: number, letters: string): string[] =>
    Array.from(letters, (letter) => (start + letter.charCodeAt(0)).toString(16))
  if (code === 'gb-ukm') return countryKey('gb')
  if (/^[a-z]{2}$/.test(code)) return spelt(0x1f1e6 - 0x61, code).join('-')
  if (!/^gb-(eng|sct|wls)$/.test(code)) return ''
  return ['1f3f4', ...spelt(0xe0000, code.replace('-', '')), 'e007f'].join('-')
}

interface Alias {
  readonly parent: string
  readonly isMirrored: boolean
}

interface Icons {
  readonly file: JsonObject
  readonly icons: ReadonlyMap<string, JsonObject>
  readonly aliases: ReadonlyMap<string, Alias>
}

async function readIcons(packages: PackageFolder, set: string): Promise<Icons> {
  const file = await packages.object('@iconify-json', set, 'icons.json')
  const aliases = entriesOf(file['aliases']).map(
    ([name, alias]) => [name, { parent: String(alias['parent']), isMirrored: alias['hFlip'] === true }] as const,
  )
  return { file, icons: new Map(entriesOf(file['icons'])), aliases: new Map(aliases) }
}

async function characters(packages: PackageFolder, set: string): Promise<readonly (readonly [string, string])[]> {
  const file = await packages.object('@iconify-json', set, 'chars.json')
  return Object.entries(file).map(([hexcode, name]) => [hexcode, String(name)])
}

function entriesOf(value: unknown): readonly (readonly [string, JsonObject])[] {
  return isObject(value)
    ? Object.entries(value).flatMap(([name, entry]) => (isObject(entry) ? [[name, entry] as const] : []))
    : []
}

/** A whole SVG of an icon or an alias of one. */
function toSvg({ file, icons, aliases }: Icons, name: string): Pick<NamedIcon, 'source' | 'isMirrored'> | undefined {
  const alias = aliases.get(name)
  const icon = icons.get(alias?.parent ?? name)
  if (!icon) return undefined
  const number = (key: string, otherwise: number): number => Number(icon[key] ?? file[key] ?? otherwise)
  const [left, top, width, height] = [number('left', 0), number('top', 0), number('width', 16), number('height', 16)]
  const isMirrored = alias?.isMirrored ?? false
  const body = String(icon['body'])
  const drawn = isMirrored ? `<g transform="translate(${width + 2 * left} 0) scale(-1 1)">${body}</g>` : body
  const names = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
  const box = `width="${SIDE}" height="${SIDE}" viewBox="${left} ${top} ${width} ${height}"`
  return { isMirrored, source: { svg: `<svg ${names} ${box}>${drawn}</svg>` } }
}
