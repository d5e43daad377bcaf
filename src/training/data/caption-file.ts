import type { BrokenSample } from './broken-sample.js'

/** A row of a caption file. */
export interface CaptionRow {
  /** The file and its line. */
  readonly where: string
  readonly columns: Readonly<Record<string, unknown>>
}

/** What a caption file says, and what in it can't be read. */
export interface CaptionFile {
  readonly rows: readonly CaptionRow[]
  readonly broken: readonly BrokenSample[]
}

/**
 * Reads `metadata.jsonl` or `metadata.csv`, as Hugging Face's imagefolder has them. Lines that are no UTF-8, or no row, are broken;
 * of a file in UTF-16 all of it is.
 *
 * @param name the file's, for messages; its ending says which of both it is
 */
export function readCaptionFile(bytes: Uint8Array, name: string): CaptionFile {
  if (isUtf16(bytes)) {
    const detail = 'it is UTF-16: convert it with iconv -f UTF-16 -t UTF-8'
    return { rows: [], broken: [{ where: name, what: 'not UTF-8', detail }] }
  }
  const broken: BrokenSample[] = []
  const lines = linesOf(bytes).map((line, i) => {
    const text = decoded(line)
    if (text !== undefined) return i === 0 ? text.replace(/^\ufeff/, '') : text
    const detail = `it may be Latin-1: ${JSON.stringify(new TextDecoder('latin1').decode(line).slice(0, 60))}`
    broken.push({ where: `${name}:${i + 1}`, what: 'not UTF-8', detail })
    return ''
  })
  const read = name.endsWith('.csv') ? readCsv(lines, name) : readJsonLines(lines, name)
  return { rows: read.rows, broken: [...broken, ...read.broken] }
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

function decoded(line: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(line).replace(/\r$/, '')
  } catch {
    return undefined
  }
}

function readJsonLines(lines: readonly string[], name: string): CaptionFile {
  const rows: CaptionRow[] = []
  const broken: BrokenSample[] = []
  for (const [i, line] of lines.entries()) {
    if (line.trim() === '') continue
    const where = `${name}:${i + 1}`
    try {
      const value: unknown = JSON.parse(line)
      if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error('no object')
      rows.push({ where, columns: { ...value } })
    } catch (error) {
      broken.push({ where, what: 'unreadable row', detail: error instanceof Error ? error.message : String(error) })
    }
  }
  return { rows, broken }
}

/** Comma-separated values after RFC 4180: the first row names the columns, quoted fields may span lines. */
function readCsv(lines: readonly string[], name: string): CaptionFile {
  const records: { line: number; fields: string[] }[] = []
  const broken: BrokenSample[] = []
  for (let line = 0; line < lines.length; line++) {
    const first = line
    let text = lines[line] ?? ''
    if (text === '') continue
    while (isOpen(text) && line + 1 < lines.length) text += `\n${lines[++line] ?? ''}`
    if (!isOpen(text)) records.push({ line: first + 1, fields: fieldsOf(text) })
    else
      broken.push({ where: `${name}:${first + 1}`, what: 'unreadable row', detail: 'a quotation mark is not closed' })
  }
  const [header, ...data] = records
  const rows = data.flatMap(({ line, fields }) => {
    const where = `${name}:${line}`
    if (fields.length === header?.fields.length) {
      return { where, columns: Object.fromEntries(header.fields.map((column, i) => [column, fields[i]])) }
    }
    const detail = `${fields.length} fields, where the first row has ${header?.fields.length ?? 0}`
    broken.push({ where, what: 'unreadable row', detail })
    return []
  })
  return { rows, broken }
}

const isOpen = (text: string): boolean => text.split('"').length % 2 === 0

function fieldsOf(record: string): string[] {
  const fields = record.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)
  return Array.from(fields, ([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? '')
}
