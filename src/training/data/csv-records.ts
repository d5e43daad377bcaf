import { parse } from 'csv-parse/sync'

/** A row of comma-separated values. */
export interface CsvRecord {
  /** The line that it begins on, from 1. */
  readonly line: number
  readonly fields: readonly string[]
  /** The row's bytes, if they are not UTF-8. */
  readonly notUtf8?: Uint8Array
}

/** What a CSV file holds. */
export interface CsvContent {
  readonly records: readonly CsvRecord[]
  /** The line of a row whose last quotation mark is not closed: what follows it belongs to no row. */
  readonly openLine: number | undefined
}

const LINE_FEED = 0x0a
const RETURN = 0x0d

/**
 * Splits CSV bytes into rows and fields as Python's `csv.reader` does: a quotation mark inside a field that doesn't begin with one is
 * literal, fields in quotation marks may span lines, lines end in CR, LF or CRLF, and empty lines are not rows. A byte order mark is left
 * out. Unlike there, a quotation mark that is never closed makes no row of the rest of the file.
 */
export function csvRecords(bytes: Uint8Array): CsvContent {
  const lines = new LineCounter(bytes)
  const records: CsvRecord[] = []
  let start = 0
  const openLines: number[] = []
  parse(bytes, {
    bom: true,
    record_delimiter: ['\r\n', '\n', '\r'],
    relax_column_count: true,
    relax_quotes: true,
    skip_empty_lines: true,
    skip_records_with_error: true,
    on_skip: () => {
      openLines.push(lines.lineOf(pastLineEnds(bytes, start)))
    },
    on_record: (fields: string[], { bytes: end }) => {
      const first = pastLineEnds(bytes, start)
      const raw = bytes.subarray(first, end)
      records.push({ line: lines.lineOf(first), ...fieldsOf(fields, raw) })
      start = end
      return null // they are gathered here
    },
  })
  return { records, openLine: openLines[0] }
}

function pastLineEnds(bytes: Uint8Array, start: number): number {
  let first = start
  while (bytes[first] === LINE_FEED || bytes[first] === RETURN) first++
  return first
}

function fieldsOf(fields: readonly string[], raw: Uint8Array): Omit<CsvRecord, 'line'> {
  const notUtf8 = fields.some((field) => field.includes('\ufffd')) && !isUtf8(raw) ? { notUtf8: raw } : {}
  const isInDoubt = fields.some((field) => field.startsWith('"'))
  return { fields: isInDoubt ? withoutQuotes(fields, new TextDecoder().decode(raw)) : fields, ...notUtf8 }
}

function isUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    return true
  } catch {
    return false
  }
}

/**
 * If text follows a closing quotation mark, `"a" b`, csv-parse keeps both marks, and Python neither: `a b`. The row's own
 * text shows which fields these are: `"""a"" b"` is read as `"a" b` too, and keeps its marks.
 */
function withoutQuotes(fields: readonly string[], raw: string): string[] {
  let at = 0
  return fields.map((field) => {
    if (raw[at] !== '"') {
      at += field.length + 1
      return field
    }
    let close = raw.indexOf('"', at + 1)
    while (raw[close + 1] === '"') close = raw.indexOf('"', close + 2)
    const content = raw.slice(at + 1, close).replaceAll('""', '"')
    const isLeft = field.startsWith(`"${content}"`)
    const rest = field.slice(content.length + (isLeft ? 2 : 0))
    at = close + 1 + rest.length + 1
    return content + rest
  })
}

/** Counts lines up to places that come in order. */
class LineCounter {
  #line = 1
  #at = 0

  constructor(private readonly bytes: Uint8Array) {}

  lineOf(place: number): number {
    for (; this.#at < place; this.#at++) {
      const byte = this.bytes[this.#at]
      if (byte === LINE_FEED || (byte === RETURN && this.bytes[this.#at + 1] !== LINE_FEED)) this.#line++
    }
    return this.#line
  }
}
