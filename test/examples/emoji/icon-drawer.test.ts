import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { IconDrawer } from '../../../examples/emoji/icon-drawer.js'

const program = path.join(__dirname, '..', '..', '..', 'dist', 'examples', 'emoji', 'icon-drawer-child.js')

/** A stand-in for resvg, which answers with half-transparent pixels and ends its process as resvg does. */
const resvg = `exports.Resvg = class {
  constructor(svg) { this.svg = svg }
  render() {
    if (this.svg === 'abort') process.abort()
    if (this.svg === 'throw') throw new Error('not SVG')
    return { width: 1, height: 1, pixels: Buffer.from([100, 50, 0, 128]) }
  }
}`

let folder = ''
beforeAll(async () => {
  if (!existsSync(program)) throw new Error(`There is no ${program}: run \`npm run build\` first.`)
  folder = await mkdtemp(path.join(tmpdir(), 'siglip-drawer-'))
  const home = path.join(folder, 'node_modules', '@resvg', 'resvg-js')
  await mkdir(home, { recursive: true })
  await writeFile(path.join(home, 'index.js'), resvg)
})
afterAll(() => rm(folder, { recursive: true, force: true }))

it('goes on after an icon that ends the process, and after one that cannot be read', async () => {
  const drawer = new IconDrawer(folder, pathToFileURL(program))
  try {
    const drawn = []
    for (const svg of ['good', 'abort', 'good', 'throw', 'good']) drawn.push(await drawer.draw(svg))
    const pixel = new Uint8Array([199, 100, 0, 128]) // 100 and 50 of 128
    const shown = drawn.map((answer) => (typeof answer === 'string' ? answer : new Uint8Array(answer)))
    expect(shown).toEqual([pixel, 'the drawing process ended', pixel, 'Error: not SVG', pixel])
  } finally {
    drawer.end()
  }
})
