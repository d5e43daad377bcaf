/** Runs the demo and draws what it prints as a picture of a terminal: docs/demo.svg, which the README shows. */
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import process from 'node:process'

const output = execFileSync(process.execPath, ['dist/examples/demo.js'], {
  encoding: 'utf8',
  env: { ...process.env, SIGLIP_QUIET: '1' },
})
const lines = ['$ npm run demo', ...output.trimEnd().split('\n')]
const escaped = (text) => text.replace(/[<>&]/g, (char) => `&#${char.charCodeAt(0)};`)
const [charWidth, lineHeight, margin] = [8.4, 19, 20]
const width = Math.max(...lines.map((line) => line.length)) * charWidth + 2 * margin
const height = lines.length * lineHeight + 2 * margin

const rows = lines.map((line, i) => {
  const y = margin + (i + 0.75) * lineHeight
  const text = escaped(line)
    .replace(/[█]+/g, '<tspan fill="#58a6ff">$&</tspan>')
    .replace(/[·]+/g, '<tspan fill="#30363d">$&</tspan>')
  return `  <text x="${margin}" y="${y}"${i === 0 ? ' fill="#7ee787"' : ''}>${text}</text>`
})
writeFileSync(
  'docs/demo.svg',
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${Math.ceil(width)} ${Math.ceil(height)}" font-family="ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="14" fill="#e6edf3" xml:space="preserve">
  <rect width="100%" height="100%" rx="10" fill="#0d1117"/>
${rows.join('\n')}
</svg>
`,
)
