import { InputError } from '../../errors.js'

/** A cell's side, and the space for the names, in pixels. */
const CELL = 28
const MARGIN = 120
const MAX_NAME = 16

/**
 * A confusion as an SVG image: a row for each class as it is, a column for each as it is named, darker for a larger share of the
 * row. Every cell says its numbers when pointed at.
 *
 * @param confusion as in a `ClassificationReport`
 * @throws {InputError} unless there is a name for each class
 */
export function confusionImage(confusion: readonly Int32Array[], names: readonly string[]): string {
  if (names.length !== confusion.length) {
    throw new InputError('Invalid names', {
      expected: `one for each of ${confusion.length} classes`,
      found: `${names.length}`,
    })
  }
  const side = MARGIN + CELL * names.length + 8
  const middle = (i: number): number => MARGIN + CELL * i + CELL / 2
  const labels = names.flatMap((name, i) => [
    `<text x="${MARGIN - 6}" y="${middle(i)}" text-anchor="end">${escaped(shortened(name))}</text>`,
    `<text transform="translate(${middle(i)} ${MARGIN - 6}) rotate(-60)">${escaped(shortened(name))}</text>`,
  ])
  const cells = confusion.flatMap((counts, row) => rowCells(counts, row, names))
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${side}" height="${side}" viewBox="0 0 ${side} ${side}"`,
    ' font-family="sans-serif" font-size="11" dominant-baseline="middle">',
    `<rect width="${side}" height="${side}" fill="white"/>`,
    ...labels,
    ...cells,
    '</svg>\n',
  ].join('\n')
}

function rowCells(counts: Int32Array, row: number, names: readonly string[]): readonly string[] {
  const support = counts.reduce((sum, count) => sum + count, 0)
  return Array.from(counts, (count, column) => {
    const share = support === 0 ? 0 : count / support
    const [x, y] = [MARGIN + CELL * column, MARGIN + CELL * row]
    const title = `${names[row] ?? ''} named ${names[column] ?? ''}: ${count} of ${support}`
    const colour = row === column ? '#1b7837' : '#b2182b'
    const number =
      count === 0
        ? ''
        : `<text x="${x + CELL / 2}" y="${y + CELL / 2}" text-anchor="middle" fill="${share > 0.5 ? 'white' : 'black'}">${count}</text>`
    const box = `<rect x="${x}" y="${y}" width="${CELL - 1}" height="${CELL - 1}" fill="${colour}" fill-opacity="${(0.04 + 0.96 * share).toFixed(3)}"/>`
    return `<g><title>${escaped(title)}</title>${box}${number}</g>`
  })
}

const shortened = (name: string): string => {
  const characters = Array.from(name)
  return characters.length > MAX_NAME ? `${characters.slice(0, MAX_NAME - 1).join('')}…` : name
}

function escaped(text: string): string {
  // Control characters are not allowed in XML at all.
  // eslint-disable-next-line no-control-regex
  const allowed = text.replace(/[\u0000-\u001f\u007f]/g, ' ')
  return allowed.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;')
}
