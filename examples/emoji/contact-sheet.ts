import sharp from 'sharp'
import type { RawPixels } from 'siglip-tfjs'

/** A line of a contact sheet: a text, and what was found beside it. */
export interface SheetRow {
  readonly text: string
  /** The image that the text is about, if it is about one. */
  readonly image?: RawPixels
  readonly found: readonly (RawPixels | string)[]
  /** A probability each. */
  readonly scores: readonly number[]
}

const [MARGIN, ROW, SIDE, TEXT, GAP] = [24, 70, 48, 190, 40] as const
/** A word needs more room than an image. */
const [IMAGE_CELL, WORDS_CELL] = [62, 92] as const

/** Draws lists of rows beside each other, each under its heading, as an SVG that needs no other file: images are inside, scores are bars. */
export async function contactSheet(
  parts: readonly (readonly [heading: string, rows: readonly SheetRow[]])[],
): Promise<string> {
  const lines: string[] = []
  let x: number = MARGIN
  for (const [heading, rows] of parts) {
    const room = rows.some(({ text: said }) => said !== '') ? TEXT : SIDE + MARGIN
    lines.push(text(x, MARGIN + 18, heading, 'font-weight="600" fill="#57606a"'))
    for (const [i, row] of rows.entries()) lines.push(await drawRow(row, x, MARGIN + 40 + i * ROW, room))
    x += room + Math.max(...rows.map(({ found }) => found.length * cellOf(found))) + GAP
  }
  const [width, height] = [x - GAP + MARGIN, 2 * MARGIN + 40 + ROW * Math.max(...parts.map(([, rows]) => rows.length))]
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="system-ui, 'DejaVu Sans', sans-serif" font-size="15" fill="#1f2328">
<rect width="100%" height="100%" rx="10" fill="#fff" stroke="#d0d7de"/>
${lines.join('\n')}
</svg>
`
}

const cellOf = ([first]: SheetRow['found']): number => (typeof first === 'string' ? WORDS_CELL : IMAGE_CELL)

async function drawRow(
  { text: said, image, found, scores }: SheetRow,
  left: number,
  y: number,
  room: number,
): Promise<string> {
  const cells = found.map(async (each, i) => {
    const x = left + room + i * cellOf(found)
    const shown = typeof each === 'string' ? words(each, x, y) : drawn(await dataUrl(each), x, y)
    const bar = `<rect x="${x}" y="${y + SIDE + 5}" width="${(SIDE * (scores[i] ?? 0)).toFixed(1)}" height="4" rx="2" fill="#0969da"/>`
    return `${shown}<rect x="${x}" y="${y + SIDE + 5}" width="${SIDE}" height="4" rx="2" fill="#d0d7de" opacity=".5"/>${bar}`
  })
  const about = image ? drawn(await dataUrl(image), left, y) : ''
  return about + (said && text(left, y + SIDE / 2 + 5, said)) + (await Promise.all(cells)).join('')
}

const text = (x: number, y: number, content: string, style = ''): string =>
  `<text x="${x}" y="${y}" ${style}>${escaped(content)}</text>`

/** In a cell's width, word by word. */
const words = (content: string, x: number, y: number): string =>
  content
    .split(' ')
    .slice(0, 3)
    .map((word, i) => text(x, y + 14 + i * 15, word.length > 11 ? `${word.slice(0, 10)}…` : word, 'font-size="12"'))
    .join('')

const drawn = (url: string, x: number, y: number): string =>
  `<image x="${x}" y="${y}" width="${SIDE}" height="${SIDE}" href="${url}"/>`

async function dataUrl({ data, width, height }: RawPixels): Promise<string> {
  const png = await sharp(data, { raw: { width, height, channels: 4 } })
    .png({ compressionLevel: 9, palette: true })
    .toBuffer()
  return `data:image/png;base64,${png.toString('base64')}`
}

const escaped = (content: string): string => content.replace(/[<>&"]/g, (char) => `&#${char.charCodeAt(0)};`)
