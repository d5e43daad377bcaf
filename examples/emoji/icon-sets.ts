/** A set of icons, one vendor's drawings: `@iconify-json/<name>`, unless it is a package of images. */
export interface IconSet {
  readonly name: string
  /** The npm package whose `assets` are images named by their characters, e.g. `1f469-200d-1f680.webp`. */
  readonly imagesOf?: string
  /** Of the npm package, so that everybody draws the same images. */
  readonly version: string
  /** SPDX, of the drawings. */
  readonly license: string
  readonly author: string
  /** What its icons are named by: the package's own table of characters, names like theirs, fxemoji's names, or country codes. */
  readonly namedBy: 'characters' | 'names' | 'fxemoji' | 'countries'
}

/**
 * The sets that are drawn. The licences of all but twemoji, which is only looked at in tests, let weights trained on them be given
 * away with attribution; that is why openmoji, which is share-alike, is not among them.
 */
export const iconSets: readonly IconSet[] = [
  { name: 'noto', version: '1.2.9', license: 'Apache-2.0', author: 'Google Inc', namedBy: 'characters' },
  { name: 'noto-v1', version: '1.2.5', license: 'Apache-2.0', author: 'Google Inc', namedBy: 'names' },
  { name: 'fxemoji', version: '1.2.2', license: 'Apache-2.0', author: 'Mozilla', namedBy: 'fxemoji' },
  { name: 'fluent-emoji-flat', version: '1.2.6', license: 'MIT', author: 'Microsoft', namedBy: 'characters' },
  { name: 'fluent-emoji', version: '1.2.7', license: 'MIT', author: 'Microsoft', namedBy: 'names' },
  {
    ...{ name: 'fluent-emoji-3d', imagesOf: '@lobehub/fluent-emoji-3d', version: '1.1.0' },
    ...{ license: 'MIT', author: 'Microsoft', namedBy: 'characters' },
  },
  { name: 'fluent-emoji-high-contrast', version: '1.2.6', license: 'MIT', author: 'Microsoft', namedBy: 'names' },
  { name: 'streamline-emojis', version: '1.2.4', license: 'CC-BY-4.0', author: 'Streamline', namedBy: 'names' },
  { name: 'emojione', version: '1.2.3', license: 'CC-BY-4.0', author: 'Emoji One', namedBy: 'names' },
  { name: 'twemoji', version: '1.2.5', license: 'CC-BY-4.0', author: 'Twitter', namedBy: 'characters' },
  { name: 'circle-flags', version: '1.2.11', license: 'MIT', author: 'HatScripts', namedBy: 'countries' },
  { name: 'flagpack', version: '1.2.8', license: 'MIT', author: 'Yummygum', namedBy: 'countries' },
  { name: 'flag', version: '1.2.12', license: 'MIT', author: 'Panayiotis Lipiridis', namedBy: 'countries' },
]

/** The npm package of a set, with its version. */
export const packageOf = ({ name, imagesOf = `@iconify-json/${name}`, version }: IconSet): string =>
  `${imagesOf}@${version}`

/** What else is needed: the emoji's labels and tags, and what draws. */
export const otherPackages = ['emojibase-data@17.0.0', '@resvg/resvg-js@2.6.2']

/** The part of the data an image belongs to. */
export type Split = (typeof splits)[number]
export const splits = ['train', 'validation', 'test'] as const

/** One vendor is used only for the final test. */
const HELD_OUT = 'twemoji'
/** Settings are tuned on a tenth of another vendor's images, which is not trained on either. */
const TUNED_ON = 'emojione'

/** @param emoji the place of the emoji in the list of all. */
export function splitOf(set: string, emoji: number): Split {
  if (set === HELD_OUT) return 'test'
  return set === TUNED_ON && emoji % 10 === 0 ? 'validation' : 'train'
}

export function isSplit(value: unknown): value is Split {
  return splits.some((split) => split === value)
}
