import { styleText } from 'node:util'
import type { ClassScore } from '../pipelines/image-classification.js'
import { printable } from './printable.js'

/** The width of a full bar. */
const BAR = 20
const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉']

/** One line per label: score, bar, and text, which is last because its width varies. The first is the best. */
export function scoreTable(scores: readonly ClassScore[]): string {
  return scores
    .map(({ label, score }, i) => {
      const text = printable(label)
      const bar = bars(score)
      return i === 0
        ? `  ${score.toFixed(4)}  ${coloured('green', bar)}  ${coloured('bold', text)}`
        : `  ${score.toFixed(4)}  ${bar}  ${text}`
    })
    .map((line) => `${line}\n`)
    .join('')
}

function bars(score: number): string {
  const eighths = Math.round(score * BAR * 8)
  return `${'█'.repeat(eighths / 8)}${EIGHTHS[eighths % 8] ?? ''}`.padEnd(BAR)
}

/** Only on a terminal, and not if the user wants none (no-color.org). */
function coloured(style: 'green' | 'bold', text: string): string {
  return process.stdout.isTTY && !process.env['NO_COLOR'] ? styleText(style, text) : text
}
