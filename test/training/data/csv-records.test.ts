import { readFileSync } from 'node:fs'
import { csvRecords } from '../../../src/training/data/csv-records.js'
import { fixturePath } from '../../fixture.js'

interface Case {
  readonly text: string
  readonly rows: readonly string[][]
  readonly open: boolean
}

const cases = JSON.parse(readFileSync(fixturePath('csv', 'rows.json'), 'utf8')) as Case[]
const rowsOf = (text: string | Uint8Array) => csvRecords(Buffer.from(text)).records.map(({ fields }) => fields)

it('reads the rows that Python’s csv reads', () => {
  expect(cases.length).toBeGreaterThan(500)
  for (const { text, rows, open } of cases) {
    const { records, openLine } = csvRecords(Buffer.from(text))
    expect([text, records.map(({ fields }) => fields), openLine !== undefined]).toEqual([text, rows, open])
  }
})

it('leaves a byte order mark out, also before a quotation mark', () => {
  expect(rowsOf('\ufeff"a" b,c\nd,e')).toEqual([
    ['a b', 'c'],
    ['d', 'e'],
  ])
})

it('knows the line that each row begins on', () => {
  const { records, openLine } = csvRecords(Buffer.from('a\r\n\r\n"b\r\nb\nb"\rc\n\n"d'))
  expect(records.map(({ line }) => line)).toEqual([1, 3, 6])
  expect(openLine).toBe(8)
})

it('gives the bytes of rows that are no UTF-8, and no others', () => {
  const latin1 = Buffer.from('b,K\xe4tzchen\n', 'latin1')
  const { records } = csvRecords(Buffer.concat([Buffer.from('a,\ufffd\n'), latin1, Buffer.from('c,"x\ny"')]))
  expect(records.map(({ notUtf8 }) => notUtf8 && Buffer.from(notUtf8))).toEqual([undefined, latin1, undefined])
})

it('reads 200,000 rows with everything that makes a row hard to read', () => {
  const kinds = [
    (i: number) => `${i}.png,a 6" pipe\n`,
    (i: number) => `${i}.png,"a" ${i}\n`,
    (i: number) => `${i}.png,a cat\n\n`,
    (i: number) => `${i}.png,"a\nb"\r\n`,
  ]
  const text = Array.from({ length: 200_000 }, (_, i) => kinds[i % 4]!(i)).join('')
  const { records, openLine } = csvRecords(Buffer.from(text))
  expect(records).toHaveLength(200_000)
  expect(records.every(({ fields }) => fields.length === 2)).toBe(true)
  expect(records.at(-1)).toEqual({ line: 299_999, fields: ['199999.png', 'a\nb'] })
  expect(openLine).toBeUndefined()
})
