import { WHITE_SPACE } from './rust-str.js'

/** An escape of Oniguruma, the regular expressions of the `tokenizers` library. */
export const ESCAPE = '\\\\(?:x\\{[0-9A-Fa-f]{1,6}\\}|x[0-9A-Fa-f]{1,2}|u[0-9A-Fa-f]{4}|[^])'

const ATOM = new RegExp(`${ESCAPE}|[^]`, 'gu')

/** What its classes hold, as JavaScript spells it inside of brackets. */
const CLASSES = {
  d: '\\p{Nd}',
  h: '0-9A-Fa-f',
  s: WHITE_SPACE,
  w: '\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}',
}

/** Outside of brackets, a quirk of its tables for Latin-1 makes words of ², ³, ¹ and fractions. */
const BARE_CLASSES = { ...CLASSES, w: `${CLASSES.w}\\xb2\\xb3\\xb9\\xbc-\\xbe` }

const CONTROLS: Readonly<Record<string, number>> = { a: 0x07, e: 0x1b, f: 0x0c, n: 0x0a, r: 0x0d, t: 0x09, v: 0x0b }

/** A character of a set, or a class of characters, perhaps of all but those. */
type Atom = { readonly code: number } | { readonly body: string; readonly isComplement: boolean }

/**
 * What tests whether a string is one character of a set: `a`, `\s`, `[^\w-]`. Undefined if it isn't sure to be the set that
 * Oniguruma takes it for: sets within sets, intersections, properties, escapes of other things than characters.
 */
export function parseCharacterSet(source: string): RegExp | undefined {
  const isBracketed = source.startsWith('[')
  const isNegated = source.startsWith('[^')
  const atoms = (isBracketed ? source.slice(isNegated ? 2 : 1, -1) : source).match(ATOM) ?? []
  if (atoms.length === 0 || atoms.some((atom, i) => atom === '[' || (atom === '&' && atoms[i + 1] === '&')))
    return undefined
  const classes = isBracketed ? CLASSES : BARE_CLASSES
  let body = ''
  let complements = ''
  for (let i = 0; i < atoms.length; i++) {
    const atom = readAtom(atoms[i] ?? '', classes)
    if (!atom) return undefined
    const isRange = atoms[i + 1] === '-' && i + 2 < atoms.length
    if (!('code' in atom)) {
      if (isRange) return undefined
      if (atom.isComplement) complements += `|[^${atom.body}]`
      else body += atom.body
    } else if (isRange) {
      const last = readAtom(atoms[i + 2] ?? '', classes)
      if (!last || !('code' in last) || last.code < atom.code) return undefined
      body += `${spell(atom.code)}-${spell(last.code)}`
      i += 2
    } else body += spell(atom.code)
  }
  if (complements === '') return new RegExp(`^[${isNegated ? '^' : ''}${body}]$`, 'u')
  return new RegExp(isNegated ? `^(?!(?:[${body}]${complements})$)[^]$` : `^(?:[${body}]${complements})$`, 'u')
}

function readAtom(source: string, classes: Readonly<Record<string, string>>): Atom | undefined {
  const [, letter = '', code = ''] = /^\\([^])\{?([0-9A-Fa-f]*)/u.exec(source) ?? []
  if (letter === '') return { code: source.codePointAt(0) ?? 0 }
  if (code !== '') return readCode(letter, parseInt(code, 16))
  const body = Object.hasOwn(classes, letter.toLowerCase()) ? classes[letter.toLowerCase()] : undefined
  if (body !== undefined) return { body, isComplement: letter !== letter.toLowerCase() }
  if (Object.hasOwn(CONTROLS, letter)) return { code: CONTROLS[letter] ?? 0 }
  return /[A-Za-z0-9]/.test(letter) ? undefined : { code: letter.codePointAt(0) ?? 0 }
}

/** `\x80` and above are bytes of UTF-8 rather than characters. */
function readCode(letter: string, code: number): Atom | undefined {
  const isCharacter = code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff)
  return isCharacter && (letter === 'u' || code < 0x80) ? { code } : undefined
}

function spell(code: number): string {
  return `\\u{${code.toString(16)}}`
}
