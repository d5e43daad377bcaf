import { copyFile, mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseSafetensors } from '../../../converters/formats/safetensors.js'
import { fixture, jsonLines, siglip } from '../siglip.js'

interface Found {
  readonly image: string
  readonly score: number
}

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'siglip-search-'))
  for (const name of ['chelsea.png', 'coffee.png', 'rocket.jpg']) await put(name)
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const put = (name: string, as = name) => copyFile(fixture('images', name), path.join(folder, as))
const run = (...args: string[]) => siglip(['search', ...args, '--json'], { cwd: folder })
const search = async (...args: string[]): Promise<Found[]> => {
  const { code, stdout, stderr } = await run(...args)
  expect([code, stderr]).toEqual([0, expect.stringMatching(/^siglip-tfjs runs on .*\n$/)])
  return jsonLines(stdout) as Found[]
}
/** What `siglip embed` gives, by its order. */
async function embedded(...args: string[]): Promise<number[][]> {
  const { stdout } = await siglip(['embed', ...args, '--normalize', '--json'], { cwd: folder })
  return (jsonLines(stdout) as { embedding: number[] }[]).map(({ embedding }) => embedding)
}
const kept = async () => parseSafetensors(await readFile(path.join(folder, 'kept.safetensors'))).metadata

describe('siglip search', () => {
  it('puts images in the order of their cosines with the words', async () => {
    const found = await search('a cup of coffee', '.')
    const names = ['chelsea.png', 'coffee.png', 'rocket.jpg']
    const [words = []] = await embedded('--text', 'a cup of coffee')
    const cosines = (await embedded('--image', ...names)).map((row) =>
      row.reduce((sum, value, i) => sum + value * words[i]!, 0),
    )
    expect(found.map(({ image }) => image)).toEqual(
      [...names].sort((a, b) => cosines[names.indexOf(b)]! - cosines[names.indexOf(a)]!),
    )
    for (const { image, score } of found) expect(score).toBeCloseTo(cosines[names.indexOf(image)]!, 5)
  })

  it('keeps embeddings, and embeds again only what is new or has changed', async () => {
    const index = ['--index', 'kept.safetensors']
    const first = await search('a cat', '.', '--top', '2', ...index)
    expect(first).toHaveLength(2)
    const { mtimeMs } = await stat(path.join(folder, 'kept.safetensors'))
    expect(await search('a cat', '--top', '2', ...index)).toEqual(first)
    expect((await stat(path.join(folder, 'kept.safetensors'))).mtimeMs).toBe(mtimeMs)

    await put('gray.png', 'coffee.png')
    await put('tall.png')
    const names = async (...args: string[]) => (await search('a cat', ...args)).map(({ image }) => image).sort()
    const all = ['chelsea.png', 'coffee.png', 'rocket.jpg', 'tall.png']
    expect(await names('.', ...index)).toEqual(all)
    const { inputs = '', kind } = await kept()
    expect([kind, (JSON.parse(inputs) as string[]).map((name) => path.basename(name)).sort()]).toEqual(['image', all])

    // What can't be reached is not found, and not forgotten.
    const before = await readFile(path.join(folder, 'kept.safetensors'))
    await rename(path.join(folder, 'rocket.jpg'), path.join(folder, 'away'))
    expect(await names(...index)).toEqual(all.filter((name) => name !== 'rocket.jpg'))
    await rename(path.join(folder, 'away'), path.join(folder, 'rocket.jpg'))
    expect(await names(...index)).toEqual(all)
    expect((await readFile(path.join(folder, 'kept.safetensors'))).equals(before)).toBe(true)
    const [best] = await search(fixture('images', 'gray.png'), '--like', '--top', '1', ...index)
    expect(best).toEqual({ image: 'coffee.png', score: expect.closeTo(1, 5) as number })
  })

  it('reports what is no image, and finds the others', async () => {
    await writeFile(path.join(folder, 'broken.png'), 'no image')
    const { code, stdout, stderr } = await run('a cat', '.')
    expect([code, jsonLines(stdout)]).toEqual([1, expect.any(Array)])
    expect(jsonLines(stdout)).toHaveLength(3)
    expect(stderr).toMatch(/broken\.png/)
  })

  it('says in one line which images of a folder are of formats that are not decoded', async () => {
    for (const name of ['a.heic', 'b.HEIC', 'c.bmp', 'd.cr2', 'notes.txt']) await writeFile(path.join(folder, name), '')
    const { code, stdout, stderr } = await run('a cat', '.')
    expect([code, jsonLines(stdout).length]).toEqual([0, 3])
    expect(
      stderr.match(/^\.: left out 4 images \(2 \.heic, 1 \.bmp, 1 \.cr2\) of formats that are not decoded\..*$/m),
    ).not.toBeNull()
    await mkdir(path.join(folder, 'phone'))
    await writeFile(path.join(folder, 'phone', 'a.heic'), '')
    expect(await run('a cat', 'phone')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/left out 1 image \(1 \.heic\)/) as string,
    })
  })

  it('keeps what two searches at once embed', async () => {
    await mkdir(path.join(folder, 'more'))
    for (const name of ['gray.png', 'tall.png']) await put(name, `more/${name}`)
    await Promise.all([
      run('a cat', '.', '--index', 'kept.safetensors'),
      run('a cat', 'more', '--index', 'kept.safetensors'),
    ])
    const { inputs = '' } = await kept()
    const names = (JSON.parse(inputs) as string[]).map((name) => path.basename(name))
    expect(names.sort()).toEqual(['chelsea.png', 'coffee.png', 'gray.png', 'rocket.jpg', 'tall.png'])
  })

  it.each<[string, string[], number, RegExp]>([
    ['nothing to search', ['a cat'], 2, /Missing images.*--index/],
    ['images without a name', ['a cat', '-'], 2, /have names/],
    ['an index that is none yet', ['a cat', '--index', 'kept.safetensors'], 1, /Index not found.*kept/],
    ['a query that is no image', ['kept', '.', '--like', '--index', 'kept.safetensors'], 1, /kept/],
    ['an index of another kind', ['a cat', '.', '--index', 'kept.npy'], 2, /\.safetensors/],
    ['an index where none can be', ['a cat', '.', '--index', 'rocket.jpg/a.safetensors'], 1, /can’t be written/],
    [
      'a file that is no index',
      ['a cat', '.', '--index', 'model.safetensors'],
      1,
      /not an image index.*model\.safetensors/,
    ],
    ['an index of another model', ['a cat', '.', '--index', 'other.safetensors'], 1, /made by another model/],
  ])('says in one line what is wrong with %s', async (_, args, expected, message) => {
    await copyFile(fixture('siglip-tiny', 'model.safetensors'), path.join(folder, 'model.safetensors'))
    await search('a cat', '.', '--index', 'other.safetensors', '--model', fixture('siglip-tiny-gelu'))
    const other = await readFile(path.join(folder, 'other.safetensors'))
    const { code, stderr } = await run(...args, '--quiet')
    expect(stderr).toMatch(/^siglip: [^\n]*\n$/)
    expect(stderr).toMatch(message)
    expect(code).toBe(expected)
    expect((await readFile(path.join(folder, 'other.safetensors'))).equals(other)).toBe(true)
  })
})
