import { TokenizerError } from '../../errors.js'
import { removePunctuation } from './canonicalize.js'
import { isMojibake } from './mojibake.js'
import { lower, strip, WHITESPACE } from './python-str.js'

/** The values of open_clip's `clean`. */
export const CLEANINGS = ['canonicalize', 'lower', 'whitespace'] as const

/** What open_clip does to a text before it is tokenized. */
export type Cleaning = (typeof CLEANINGS)[number]

/**
 * A text as open_clip cleans it: repaired by ftfy, HTML entities decoded, single spaces; with `lower` in lower case, with
 * `canonicalize` without ASCII punctuation as well.
 *
 * Source: `get_clean_fn` of open_clip's `tokenizer.py`, `fix_text` of ftfy 6.3.
 *
 * @throws TokenizerError for what is not repaired here: a text decoded by a wrong encoding, and rare names of HTML
 */
export function cleanText(text: string, cleaning: Cleaning): string {
  const basic = strip(unescaped(unescaped(mended(text))))
  const spaced = cleaning === 'canonicalize' ? removePunctuation(basic.replaceAll('_', ' ')) : basic
  const cased = cleaning === 'whitespace' ? spaced : lower(spaced)
  return strip(cased.replace(SPACES, ' '))
}

const SPACES = new RegExp(`[${WHITESPACE}]+`, 'g')

const LIGATURES: Readonly<Record<string, string>> = {
  ...{ Ĳ: 'IJ', ĳ: 'ij', ŉ: 'ʼn', Ǳ: 'DZ', ǲ: 'Dz', ǳ: 'dz', Ǆ: 'DŽ', ǅ: 'Dž', ǆ: 'dž', Ǉ: 'LJ', ǈ: 'Lj', ǉ: 'lj' },
  ...{ Ǌ: 'NJ', ǋ: 'Nj', ǌ: 'nj', ﬀ: 'ff', ﬁ: 'fi', ﬂ: 'fl', ﬃ: 'ffi', ﬄ: 'ffl', ﬅ: 'ſt', ﬆ: 'st' },
}

/** `fix_text` of ftfy, line by line; after a line with `<` in it, no names of HTML are read in the next ones either. */
function mended(text: string): string {
  let isMarkup = false
  return text
    .split(/(?<=\n)/)
    .map((line) => {
      isMarkup ||= line.includes('<')
      return mendedLine(line, isMarkup)
    })
    .join('')
}

function mendedLine(line: string, isMarkup: boolean): string {
  let before = line
  for (;;) {
    const named = isMarkup ? before : unescaped(before)
    const plain = named.replace(TERMINAL_ESCAPES, '')
    if (isMojibake(plain)) {
      throw new TokenizerError('A text looks as if it was decoded by a wrong encoding, which open_clip would mend', {
        expected: 'a text in Unicode',
        found: JSON.stringify(plain.slice(0, 60)),
        hint: 'Correct the text, e.g. with ftfy.',
      })
    }
    const after = plain
      .replace(/[Ĳĳŉ\u01c4-\u01cc\u01f1-\u01f3\ufb00-\ufb06]/g, (ligature) => LIGATURES[ligature] ?? ligature)
      .replace(/[\u3000\uff01-\uffef]/g, (wide) => (wide === '\u3000' ? ' ' : wide.normalize('NFKC')))
      .replace(/[\u02bc\u2018-\u201b]/g, "'")
      .replace(/[\u201c-\u201f]/g, '"')
      .replace(/\r\n|[\r\u2028\u2029\u0085]/g, '\n')
      .replace(LONE_SURROGATES, '\ufffd')
      .replace(CONTROLS, '')
      .normalize('NFC')
    if (after === before) return after
    before = after
  }
}

const LONE_SURROGATES = /\p{Surrogate}/gu
// eslint-disable-next-line no-control-regex
const TERMINAL_ESCAPES = /\x1b\[(?:\d|;)*[a-zA-Z]/g
// eslint-disable-next-line no-control-regex
const CONTROLS = /[\x00-\x08\x0b\x0e-\x1f\x7f\u206a-\u206f\ufeff\ufff9-\ufffc]/g

const NAMES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', nbsp: '\u00a0', apos: "'" }

/** The names that Python's `html.unescape` reads without a semicolon, too. */
const LEGACY = new RegExp(
  '^(?:A(?:Elig|MP|acute|circ|grave|ring|tilde|uml)|C(?:OPY|cedil)|E(?:TH|acute|circ|grave|uml)|GT|I(?:acute|circ|grave|uml)|LT|Ntilde|' +
    'O(?:acute|circ|grave|slash|tilde|uml)|QUOT|REG|THORN|U(?:acute|circ|grave|uml)|Yacute|a(?:acute|circ|cute|elig|grave|mp|ring|tilde|uml)|' +
    'brvbar|c(?:cedil|edil|ent|opy|urren)|d(?:eg|ivide)|e(?:acute|circ|grave|th|uml)|frac(?:12|14|34)|gt|i(?:acute|circ|excl|grave|quest|uml)|' +
    'l(?:aquo|t)|m(?:acr|icro|iddot)|n(?:bsp|ot|tilde)|o(?:acute|circ|grave|rd[fm]|slash|tilde|uml)|p(?:ara|lusmn|ound)|quot|r(?:aquo|eg)|' +
    's(?:ect|hy|up[123]|zlig)|t(?:horn|imes)|u(?:acute|circ|grave|ml|uml)|y(?:acute|en|uml))',
)

/** Python's `html.unescape`, of numbers and of the names that texts have. @throws TokenizerError for other names */
function unescaped(text: string): string {
  return text.replace(/&(#[0-9]+;?|#[xX][0-9a-fA-F]+;?|[^\t\n\f <&#;]{1,32};?)/g, (whole, name: string) => {
    if (name.startsWith('#')) return ofNumber(name)
    const [, bare = '', rest = ''] = /^(amp|lt|gt|quot|nbsp)(.*)$/s.exec(name) ?? []
    if (bare !== '' && (rest === '' || rest === ';')) return NAMES[bare] ?? whole
    if (name === 'apos;') return "'"
    if (!LEGACY.test(name) && !/^[A-Za-z][A-Za-z0-9]*;$/.test(name)) return whole
    if (bare !== '' && !/^[A-Za-z0-9]*;/.test(rest)) return (NAMES[bare] ?? '') + rest
    throw new TokenizerError('A text has a name of HTML that is not known here, which open_clip would replace', {
      expected: 'the character itself, or &amp; &lt; &gt; &quot; &apos; &nbsp;',
      found: whole.slice(0, 40),
    })
  })
}

/** The character of a number, `&#39;` or `&#x27;`. */
function ofNumber(name: string): string {
  const digits = name.slice(1).replace(';', '')
  const code = /^x/i.test(digits) ? parseInt(digits.slice(1), 16) : parseInt(digits, 10)
  if (code === 0 || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return '\ufffd'
  const isControl = code < 0x20 ? ![9, 10, 12].includes(code) : code >= 0x7f && code <= 0x9f
  if (!isControl) return String.fromCodePoint(code)
  throw new TokenizerError('A text has the number of a control character', { expected: 'a visible one', found: name })
}
