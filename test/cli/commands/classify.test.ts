import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pipeline } from '../../../src/pipelines/pipeline.js'
import { reference as expected } from '../reference.js'
import { fixture, jsonLines, model, siglip } from '../siglip.js'

interface Line {
  readonly image: string
  readonly scores: readonly { readonly label: string; readonly score: number; readonly logit: number }[]
}
const lines = (stdout: string): Line[] => jsonLines(stdout) as Line[]
const images = fixture('images')
const image = path.join(images, 'chelsea.png')
const notAImage = fixture('README.md')
const labels = ['--labels', expected.labels.join(', ')]

describe.each(['auto', 'wasm', 'siglip'])('siglip classify --backend %s', (backend) => {
  it('gives the scores of transformers’ pipeline', async () => {
    const names = ['chelsea.png', 'coffee.png', 'rocket.jpg'] as const
    const { code, stdout, stderr } = await siglip(['classify', ...names, ...labels, '--backend', backend, '--json'], {
      cwd: images,
    })
    expect(stderr).toMatch(/^siglip-tfjs runs on .*\n$/)
    expect(code).toBe(0)
    const found = lines(stdout)
    expect(found.map(({ image }) => image)).toEqual(names)
    for (const [i, name] of names.entries()) {
      const scores = found[i]!.scores
      expect(scores.map(({ label }) => label)).toEqual(expected.classify[name]!.map(({ label }) => label))
      for (const [j, { score, logit }] of scores.entries()) {
        expect(Math.abs(score - expected.classify[name]![j]!.score)).toBeLessThan(1e-5)
        expect(1 / (1 + Math.exp(-logit))).toBeCloseTo(score, 6)
      }
    }
  })
})

describe('siglip classify', () => {
  let folder = ''
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'siglip-cli-'))
    await mkdir(path.join(folder, 'photos', 'inside'), { recursive: true })
    for (const name of ['photos/b.png', 'photos/a.PNG', 'photos/inside/c.png', 'photos/[x].png'])
      await copyFile(fixture('images', 'small-rgb.png'), path.join(folder, name))
    await writeFile(path.join(folder, 'photos', 'notes.txt'), 'no image')
    await writeFile(path.join(folder, 'empty.png'), '')
    await copyFile(fixture('images', 'small-rgb.png'), path.join(folder, 'evil\u001b[31m\u009b\u202e.png'))
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  it('writes exactly the keys it promises, the best labels only, and the texts as they were given', async () => {
    const { stdout } = await siglip(
      [
        'classify',
        '-',
        '--label',
        'a cat, asleep',
        '--label',
        'x',
        '--labels',
        'y',
        '--top',
        '2',
        '--template',
        '{}',
        '--json',
      ],
      { input: await readFile(image) },
    )
    expect(stdout).toMatch(
      /^\{"image":"-","scores":\[\{"label":"[^"]+","score":[\d.e-]+,"logit":-?[\d.e-]+\},\{"label":"[^"]+","score":[\d.e-]+,"logit":-?[\d.e-]+\}\]\}\n$/,
    )
    const [{ scores }] = lines(stdout) as [Line]
    expect(scores[0]!.score).toBeGreaterThanOrEqual(scores[1]!.score)
    expect(['a cat, asleep', 'x', 'y']).toEqual(expect.arrayContaining(scores.map(({ label }) => label)))
  })

  it.each([
    ['quoted in a list', ['--labels', '"tench, Tinca tinca", goldfish,a 6" pipe']],
    ['in a file', ['--labels-file', 'labels.txt']],
  ])('a label may have a comma, %s', async (_, given) => {
    await writeFile(path.join(folder, 'labels.txt'), '\ufefftench, Tinca tinca\r\n\r\ngoldfish\na 6" pipe\n')
    const { code, stdout } = await siglip(['classify', image, ...given, '--json'], { cwd: folder })
    expect(code).toBe(0)
    const [{ scores }] = lines(stdout) as [Line]
    expect(scores.map(({ label }) => label).sort()).toEqual(['a 6" pipe', 'goldfish', 'tench, Tinca tinca'])
  })

  it('averages several templates', async () => {
    const templates = ['a photo of a {}.', 'a drawing of a {}.']
    const options = templates.flatMap((text) => ['--template', text])
    const { stdout } = await siglip(['classify', image, '--labels', 'cat,dog', ...options, '--json'])
    using scorer = await pipeline('zero-shot-image-classification', model)
    const wanted = await scorer(image, ['cat', 'dog'], { hypothesisTemplate: templates })
    const [{ scores }] = lines(stdout) as [Line]
    expect(scores.map(({ label }) => label)).toEqual(wanted.map(({ label }) => label))
    for (const [i, { logit }] of scores.entries()) expect(logit).toBeCloseTo(wanted[i]!.logit, 5)
  })

  it('says that labels are cut, once', async () => {
    const long = `${'word '.repeat(30)}red`
    const { code, stderr } = await siglip(['classify', image, image, '--label', long, '--label', 'x', '--json'])
    expect(code).toBe(0)
    expect(stderr.match(/longer than/g)).toHaveLength(1)
    expect(stderr).toContain('1 text is longer than the 16 tokens that the model takes')
  })

  it('prints a table with a bar as long as the score, without colours where it is piped', async () => {
    const { stdout, stderr } = await siglip(['classify', image, ...labels, '--quiet'])
    expect(stderr).toBe('')
    expect(stdout).toMatch(/^\S+chelsea\.png\n( {2}0\.\d{4} {2}[█▏▎▍▌▋▊▉ ]{20} {2}\S.*\n){3}\n$/)
  })

  it('takes folders, patterns and what exists under its literal name, in order', async () => {
    const { code, stdout } = await siglip(
      ['classify', 'photos', 'photos/**/*.png', 'photos/[x].png', '--label', 'a', '--json'],
      { cwd: folder },
    )
    expect(code).toBe(0)
    expect(lines(stdout).map(({ image }) => image.replaceAll(path.sep, '/'))).toEqual([
      ...['photos/[x].png', 'photos/a.PNG', 'photos/b.png'],
      ...['photos/[x].png', 'photos/a.PNG', 'photos/b.png', 'photos/inside/c.png'],
      'photos/[x].png',
    ])
  })

  it('reports what is no image, goes on with the rest, and fails at the end', async () => {
    const { code, stdout, stderr } = await siglip([
      ...['classify', notAImage, image, path.join(folder, 'empty.png'), path.join(folder, 'missing.png')],
      ...['--label', 'a', '--json', '--quiet'],
    ])
    expect(code).toBe(1)
    expect(lines(stdout).map(({ image }) => image)).toEqual([image])
    expect(
      stderr
        .split('\n')
        .map((line) => line.replace(/^(siglip: ).*(README.md|empty.png|missing.png).*/, '$1$2'))
        .sort(),
    ).toEqual(['', 'siglip: README.md', 'siglip: empty.png', 'siglip: missing.png'])
  })

  it('lets no control character of a name or label reach the terminal, and keeps it in JSON', async () => {
    const name = 'evil\u001b[31m\u009b\u202e.png'
    const label = 'a\u001b]0;b\u0007\u009b'
    const [table, json] = await Promise.all([
      siglip(['classify', name, 'nothing\u001b[31m\u009b\u202e', '--label', label], { cwd: folder }),
      siglip(['classify', name, '--label', label, '--json'], { cwd: folder }),
    ])
    for (const { stdout, stderr } of [table, json]) expect(stdout + stderr).not.toMatch(/[^\P{Cc}\n]|\u202e/u)
    expect(table.stdout).toContain('evil\\u001b[31m\\u009b\\u202e.png')
    expect(lines(json.stdout)).toMatchObject([{ image: name, scores: [{ label }] }])
  })
})

describe('siglip classify says what is wrong in one line', () => {
  it.each<[string, string[], number, RegExp]>([
    ['no labels', [image], 2, /Missing labels/],
    ['an empty label', [image, '--label', ' '], 2, /label is empty/],
    ['an empty label in a list', [image, '--labels', 'a,,b'], 2, /label is empty/],
    ['a template without its place', [image, '--label', 'a', '--template', 'a photo'], 2, /\{\}/],
    ['no images', ['--label', 'a'], 2, /missing required argument 'image'/],
    ['no label at all', [image, '--top', '0', '--label', 'a'], 2, /whole number from 1/],
    ['a number of labels that is none', [image, '--top', '2.5', '--label', 'a'], 2, /whole number from 1/],
    ['a mistyped option', [image, '--lables', 'a'], 2, /Did you mean --labels\?/],
    ['a mistyped backend', [image, '--label', 'a', '--backend', 'nativ'], 2, /Did you mean native\?/],
    ['a folder without images', [model, '--label', 'a'], 1, /The folder contains no images/],
    ['a pattern without matches', ['nothing-*.png', '--label', 'a'], 1, /The pattern matches no file/],
    ['a missing model', [image, '--label', 'a', '--model', './nowhere', '--quiet'], 1, /Folder not found/],
  ])('%s', async (_, args, expectedCode, message) => {
    const { code, stdout, stderr } = await siglip(['classify', ...args])
    expect(stdout).toBe('')
    expect(stderr).toMatch(/^siglip: [^\n]*\n$/)
    expect(stderr).toMatch(message)
    expect(code).toBe(expectedCode)
  })
})

it('lays what is transparent on white where the processor does', async () => {
  const transparent = fixture('images', 'rgba.png')
  const { stdout } = await siglip(['classify', transparent, ...labels, '--json'])
  using classify = await pipeline('zero-shot-image-classification', model)
  const own = await classify(transparent, expected.labels)
  expect(lines(stdout)[0]?.scores).toEqual(
    own.map(({ label, score, logit }) => ({
      label,
      score: expect.closeTo(score, 5) as number,
      logit: expect.closeTo(logit, 4) as number,
    })),
  )
})

it('runs the embedded model where none is given, and says so', async () => {
  const { code, stdout, stderr } = await siglip(['classify', image, ...labels, '--json'], {
    env: { SIGLIP_MODEL: '' },
  })
  expect(stderr).toMatch(/^No model given; .*for emoji.* Give another by --model[^\n]*\n/)
  expect(code).toBe(0)
  const embedded = path.join(__dirname, '..', '..', '..', 'models', 'emoji')
  const given = await siglip(['classify', image, ...labels, '--json', '--model', embedded])
  expect(stdout).toBe(given.stdout)
})
