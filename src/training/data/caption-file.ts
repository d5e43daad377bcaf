import type { BrokenSample } from './broken-sample.js'
import { csvRecords } from './csv-records.js'

/** A row of a caption file. */
export interface CaptionRow {
  /** The file and its line. */
  readonly where: string
  readonly columns: Readonly<Record<string, unknown>>
}

/** The captions of a file, and its broken rows. */
export interface CaptionFile {
  readonly rows: readonly CaptionRow[]
  readonly broken: readonly BrokenSample[]
}

/**
 * Reads `metadata.jsonl` or `metadata.csv`, in the format of Hugging Face's imagefolder. Rows that are not UTF-8, or can't be read, are broken;
 * of a file in UTF-16 all of it is.
 *
 * @param name the file's, for messages; its extension decides the format
 */
export function readCaptionFile(bytes: Uint8Array, name: string): CaptionFile {
  if (isUtf16(bytes)) {
    const detail = 'it is UTF-16: convert it with iconv -f UTF-16 -t UTF-8'
    return { rows: [], broken: [{ where: name, what: 'not UTF-8', detail }] }
  }
  return /\.csv$/i.test(name) ? readCsv(bytes, name) : readJsonLines(bytes, name)
}

/** By its mark, or by the zeros that every other byte of Latin letters is. */
function isUtf16(bytes: Uint8Array): boolean {
  const [first, second] = bytes
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)) return true
  const start = bytes.subarray(0, 1000)
  return start.filter((byte) => byte === 0).length > start.length / 4
}

function linesOf(bytes: Uint8Array): Uint8Array[] {
  const lines: Uint8Array[] = []
  for (let start = 0; start < bytes.length;) {
    const found = bytes.indexOf(0x0a, start)
    const end = found < 0 ? bytes.length : found
    lines.push(bytes.subarray(start, end))
    start = end + 1
  }
  return lines
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function decoded(line: Uint8Array): string | undefined {
  try {
    return utf8.decode(line).replace(/\r$/, '')
  } catch {
    return undefined
  }
}

function readJsonLines(bytes: Uint8Array, name: string): CaptionFile {
  const rows: CaptionRow[] = []
  const broken: BrokenSample[] = []
  for (const [i, line] of linesOf(bytes).entries()) {
    const where = `${name}:${i + 1}`
    const text = decoded(line)
    if (text === undefined) broken.push(notUtf8Row(where, line))
    if (text === undefined || text.trim() === '') continue
    try {
      const value: unknown = JSON.parse(i === 0 ? text.replace(/^\ufeff/, '') : text)
      if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error('not an object')
      rows.push({ where, columns: { ...value } })
    } catch (error) {
      broken.push({ where, what: 'unreadable row', detail: error instanceof Error ? error.message : String(error) })
    }
  }
  return { rows, broken }
}

/** The first row names the columns, as with Python's `csv.DictReader`. */
function readCsv(bytes: Uint8Array, name: string): CaptionFile {
  const { records, openLine } = csvRecords(bytes)
  const broken: BrokenSample[] = []
  const rows: CaptionRow[] = []
  const [header, ...data] = records
  const columns = header?.fields ?? []
  const twice = columns.find((column, i) => column !== '' && columns.indexOf(column) < i)
  if (twice !== undefined) {
    const detail = `two columns are named ${twice}`
    return { rows, broken: [{ where: `${name}:${header?.line ?? 1}`, what: 'unreadable row', detail }] }
  }
  if (openLine !== undefined) {
    const detail = 'an unclosed quotation mark: the rest of the file is not a row'
    broken.push({ where: `${name}:${openLine}`, what: 'unreadable row', detail })
  }
  for (const { line, fields, notUtf8 } of data) {
    const where = `${name}:${line}`
    if (notUtf8) broken.push(notUtf8Row(where, notUtf8))
    else if (fields.length === columns.length) {
      rows.push({ where, columns: Object.fromEntries(columns.map((column, i) => [column, fields[i]])) })
    } else {
      const detail = `${fields.length} fields, where the first row has ${columns.length}`
      broken.push({ where, what: 'unreadable row', detail })
    }
  }
  return { rows, broken }
}

function notUtf8Row(where: string, bytes: Uint8Array): BrokenSample {
  const detail = `it may be Latin-1: ${JSON.stringify(new TextDecoder('latin1').decode(bytes.subarray(0, 60)))}`
  return { where, what: 'not UTF-8', detail }
}
