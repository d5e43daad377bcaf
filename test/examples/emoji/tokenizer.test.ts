import path from 'node:path'
import { SiglipTokenizer } from '../../../src/tokenizer/siglip-tokenizer.js'

/** Captions, and what transformers' SiglipTokenizer makes of them with this vocabulary. */
const cases: readonly (readonly [caption: string, ids: readonly number[]])[] = [
  ['grinning face', [95, 149, 7, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
  ['face screaming in fear', [7, 1093, 5, 26, 618, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
  ['call me hand', [6, 1164, 246, 21, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
  ['man facepalming', [8, 964, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
  ['man supervillain', [8, 676, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
  ['woman rowing boat', [10, 634, 262, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
  ['raccoon', [841, 151, 337, 80, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
  ['octopus', [1883, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
  ['baguette bread', [373, 1504, 590, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
  ['map of japan', [811, 75, 1024, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
  ['motorized wheelchair', [126, 274, 14, 66, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
  ['cloud with lightning and rain', [98, 13, 793, 148, 289, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
  ['heart suit', [22, 204, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
  ['telephone receiver', [471, 1419, 24, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
  ['round pushpin', [1302, 1058, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
  ['women’s room', [432, 42, 9, 320, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
  ['transgender symbol', [687, 131, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
  ['purple circle', [383, 99, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
  ['flag: czechia', [4, 1775, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
  ['flag: mongolia', [4, 1873, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
  ['flag: u.s. virgin islands', [4, 6, 280, 1192, 58, 106, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
  ['keycap: asterisk', [87, 1025, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
  ['flag: côte d’ivoire', [4, 41, 1719, 32, 11, 94, 42, 1715, 2, 0, 0, 0, 0, 0, 0, 0]],
  ['flag: côte d’ivoire, ci, flag', [4, 41, 1719, 32, 11, 94, 42, 1715, 41, 46, 4, 2, 0, 0, 0, 0]],
]

it('the emoji vocabulary gives the ids that transformers gives', async () => {
  const folder = path.join(__dirname, '..', '..', '..', 'examples', 'emoji', 'tokenizer')
  const tokenizer = await SiglipTokenizer.fromPretrained(folder)
  for (const [caption, ids] of cases) {
    const { inputIds } = tokenizer.call(caption, { padding: 'max_length', truncation: true })
    expect([caption, ...inputIds.data]).toEqual([caption, ...ids])
  }
  expect(tokenizer.vocabSize).toBe(2000)
})
