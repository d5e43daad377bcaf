import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { SiglipModel } from '../src/models/siglip/modeling.js'
import { fixturePath } from './fixture.js'

const root = path.join(__dirname, '..')
const programs = path.join(root, 'dist', 'examples')
const tiny = fixturePath('siglip-tiny')
const images = ['chelsea.png', 'coffee.png', 'rocket.jpg']

/** What an example prints, run as a user does. */
async function run(name: string, ...args: string[]): Promise<string> {
  const program = path.join(programs, `${name}.js`)
  if (!existsSync(program)) throw new Error(`There is no ${program}: run \`npm run build\` first.`)
  const { stdout } = await promisify(execFile)(process.execPath, [program, ...args], { cwd: root })
  return stdout
}

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'siglip-examples-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

/** Copies images into a folder of the test's own. */
async function fill(place: string, names: readonly string[]): Promise<void> {
  await mkdir(path.join(folder, place), { recursive: true })
  for (const name of names) await copyFile(fixturePath('images', name), path.join(folder, place, name))
}

it('every example but the demo says with --help what it does and how it is called', async () => {
  const names = (await readdir(path.join(root, 'examples'))).filter(
    (name) => name.endsWith('.ts') && name !== 'demo.ts',
  )
  expect(names.length).toBeGreaterThanOrEqual(4)
  for (const name of names.map((file) => file.replace('.ts', ''))) {
    expect(await run(name, '--help')).toMatch(new RegExp(`^node dist/examples/${name}\\.js .+\\n\\n[A-Z][^]+--\\w+`))
  }
})

it('search-images finds the same the second time, without embedding again, and embeds what is new', async () => {
  await fill('.', images.slice(0, 2))
  const keep = ['--keep', path.join(folder, 'kept', 'embeddings.safetensors')]
  const args = ['--images', folder, '--model', tiny, ...keep, 'a cat', 'a cup of coffee']
  const first = await run('search-images', ...args)
  expect(first).toMatch(/^2 images, 2 embedded now\n\na cat\n( {2}-?\d\.\d{4} {2}(chelsea|coffee)\.png\n){2}\na cup/)
  expect(await run('search-images', ...args)).toBe(first.replace('2 embedded', '0 embedded'))
  await fill('.', images)
  expect(await run('search-images', ...args)).toMatch(/^3 images, 1 embedded now\n[^]*rocket\.jpg/)
})

it('naflex tells patches in the proportions of the image, and scores', async () => {
  const wide = fixturePath('images', 'wide.png')
  const args = ['--model', fixturePath('siglip2-naflex-tiny'), '--labels', 'a cat, two dogs', wide]
  const [, rows = '', columns = '', ...scores] =
    /: (\d+) × (\d+) patches\n {2}(0\.\d{4}) {2}a cat\n {2}(0\.\d{4}) {2}two dogs\n$/.exec(
      await run('naflex', ...args),
    ) ?? []
  expect(Number(rows)).toBeLessThan(Number(columns))
  expect(Number(rows) * Number(columns)).toBeLessThanOrEqual(16)
  expect(scores).toHaveLength(2)
  const [, fewer = ''] = /: (\d+ × \d+) patches/.exec(await run('naflex', '--patches', '6', ...args)) ?? []
  expect(fewer.split(' × ').reduce((product, side) => product * Number(side), 1)).toBeLessThanOrEqual(6)
})

it('from-big-vision saves the weights of transformers', async () => {
  const saved = path.join(folder, 'saved')
  expect(await run('from-big-vision', fixturePath('formats', 'big_vision.npz'), saved)).toContain(`saved to ${saved}\n`)
  const [model, reference] = [await SiglipModel.fromPretrained(saved), await SiglipModel.fromPretrained(tiny)]
  const found = model.namedParameters()
  for (const [name, variable] of reference.namedParameters())
    expect([name, found.get(name)?.dataSync()]).toEqual([name, variable.dataSync()])
})

it('feature-extractor learns the images that it sees', async () => {
  await fill('animal', ['chelsea.png', 'gray.png'])
  await fill('thing', ['coffee.png', 'rocket.jpg'])
  expect(await run('feature-extractor', '--images', folder, '--model', tiny)).toBe(
    'trained on: 4 of 4 images of 2 classes named rightly\n',
  )
})

it('the demo finds emoji by words and words by emoji, and draws what it found', async () => {
  const sheet = path.join(folder, 'sheets', 'demo.svg')
  const said = await run('demo', sheet)
  expect(said).toMatch(/^ {2}fruit +\S+ \d+ % /m)
  expect(said).toMatch(/^ {2}\S+ {2}.+ \d+ %, .+ \d+ %, .+ \d+ %$/m)
  const drawn = await readFile(sheet, 'utf8')
  expect(drawn.match(/<image /g)).toHaveLength(8 * 6 + 8)
  expect(drawn).toMatch(/^<svg [^]*Emoji found by words[^]*Words found by emoji[^]*<\/svg>\n$/)
})
