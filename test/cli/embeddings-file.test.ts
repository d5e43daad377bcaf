import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { parseSafetensors } from '../../converters/formats/safetensors.js'
import { checkNamesFit, saveEmbeddings } from '../../src/cli/embeddings-file.js'
import { ImageIndex } from '../../src/cli/image-index.js'
import { FileError, InputError, NonFiniteError } from '../../src/errors.js'

let folder = ''
let file = ''
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'siglip-embeddings-'))
  file = path.join(folder, 'kept.safetensors')
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const row = (...values: number[]): Float32Array => Float32Array.from(values)
const urls = (count: number, length = 20): string[] =>
  Array.from({ length: count }, (_, i) => `https://example.org/${String(i).padStart(length, '0')}.jpg`)

describe('an index', () => {
  it('is read again, with as many names as there are, though a header holds only 100 MB of them', async () => {
    const inputs = urls(200_000, 600)
    const stamps = JSON.stringify(inputs.map(() => ''))
    const rows = inputs.map((_, i) => row(i, 1))
    await saveEmbeddings(file, rows, { kind: 'image', inputs, more: { model: 'm', stamps } })
    const head = Number((await readFile(file)).readBigUInt64LE(0))
    expect(head).toBeLessThan(1000)
    const index = await ImageIndex.open(file, 'm')
    expect(index.inputs).toEqual(inputs)
    expect(index.embedding(inputs[123_456] ?? '')).toEqual(row(123_456, 1))
  })

  it('has its names in the header where they fit, for every reader', async () => {
    const inputs = urls(20_000)
    await saveEmbeddings(
      file,
      inputs.map(() => row(1)),
      { kind: 'image', inputs },
    )
    const { tensors, metadata } = parseSafetensors(await readFile(file))
    expect([...tensors.keys()]).toEqual(['embeddings'])
    expect(JSON.parse(metadata['inputs'] ?? '')).toEqual(inputs)
  })

  it('is refused before the work with more names than fit into a text', () => {
    const name = 'x'.repeat(2 ** 20)
    const names = function* (count: number): Generator<string> {
      for (let i = 0; i < count; i++) yield name
    }
    expect(() => {
      checkNamesFit(file, names(600))
    }).toThrow(FileError)
    expect(() => {
      checkNamesFit(file, names(600))
    }).toThrow(/found \d+ of 600 inputs .*kept\.safetensors/)
    expect(() => {
      checkNamesFit(file, names(400))
    }).not.toThrow()
    expect(() => {
      checkNamesFit(file, ['a', 'b'], 2 ** 29)
    }).toThrow(FileError)
    expect(() => {
      checkNamesFit('rows.npy', names(600))
    }).not.toThrow()
  })

  it('with a row that holds NaN is refused, naming the image', async () => {
    const inputs = urls(3)
    const more = { model: 'm', stamps: JSON.stringify(['', '', '']) }
    await saveEmbeddings(file, [row(1, 2), row(1, NaN), row(1, 2)], { kind: 'image', inputs, more })
    await expect(ImageIndex.open(file, 'm')).rejects.toThrow(NonFiniteError)
    await expect(ImageIndex.open(file, 'm')).rejects.toThrow(`found NaN in the embedding of ${inputs[1]}`)
  })

  it('takes in what another process has added, whatever the order of reading and writing', async () => {
    const [first, second] = [await ImageIndex.open(file, 'm'), await ImageIndex.open(file, 'm')]
    first.add('https://a', '', row(1, 0))
    first.add('https://both', '', row(1, 1))
    second.add('https://b', '', row(0, 1))
    second.add('https://both', '', row(2, 2))
    await Promise.all([first.save(), second.save()])
    second.add('https://c', '', row(3, 3))
    await second.save()
    first.add('https://d', '', row(4, 4))
    await first.save()
    const kept = await ImageIndex.open(file, 'm')
    expect([...kept.inputs].sort()).toEqual(['https://a', 'https://b', 'https://both', 'https://c', 'https://d'])
    expect(kept.embedding('https://a')).toEqual(row(1, 0))
    expect(kept.embedding('https://b')).toEqual(row(0, 1))
    expect(await readdir(folder)).toEqual(['kept.safetensors'])
  })

  it('of another model that has come meanwhile stays', async () => {
    const [mine, other] = [await ImageIndex.open(file, 'm'), await ImageIndex.open(file, 'o')]
    other.add('https://a', '', row(1))
    await other.save()
    const before = await readFile(file)
    mine.add('https://b', '', row(2))
    await expect(mine.save()).rejects.toThrow(InputError)
    expect((await readFile(file)).equals(before)).toBe(true)
  })

  it('loses nothing when processes add to it at once', async () => {
    const script = path.join(process.cwd(), 'dist', 'src', 'cli', 'image-index.js')
    const program = `
      import { ImageIndex } from ${JSON.stringify(script)}
      const [file, name] = process.argv.slice(1)
      const index = await ImageIndex.open(file, 'm')
      for (let i = 0; i < 10; i++) {
        index.add('https://' + name + '/' + i, '', Float32Array.of(i, 1))
        await index.save()
      }`
    const add = (name: string) =>
      promisify(execFile)(process.execPath, ['--input-type=module', '-e', program, file, name])
    await Promise.all(['a', 'b', 'c'].map(add))
    const kept = await ImageIndex.open(file, 'm')
    const expected = ['a', 'b', 'c'].flatMap((name) => Array.from({ length: 10 }, (_, i) => `https://${name}/${i}`))
    expect([...kept.inputs].sort()).toEqual(expected.sort())
    expect(await readdir(folder)).toEqual(['kept.safetensors'])
  })
})

describe('a .npy file', () => {
  it('has its names beside it, however many, and of one writer both', async () => {
    const npy = path.join(folder, 'rows.npy')
    const write = (name: string) =>
      saveEmbeddings(npy, [row(1), row(2)], { kind: 'text', inputs: [`${name}"\n`, name] })
    await Promise.all(['a', 'b', 'c'].map(write))
    const { kind, inputs } = JSON.parse(await readFile(`${npy}.json`, 'utf8')) as { kind: string; inputs: string[] }
    expect([kind, inputs]).toEqual(['text', [`${inputs[1]}"\n`, inputs[1]]])
    expect((await readdir(folder)).sort()).toEqual(['rows.npy', 'rows.npy.json'])

    const many = urls(5000)
    await saveEmbeddings(
      npy,
      many.map(() => row(1)),
      { kind: 'image', inputs: many },
    )
    expect(JSON.parse(await readFile(`${npy}.json`, 'utf8'))).toEqual({ kind: 'image', inputs: many })
    await saveEmbeddings(npy, [], { kind: 'image', inputs: [] })
    expect(JSON.parse(await readFile(`${npy}.json`, 'utf8'))).toEqual({ kind: 'image', inputs: [] })
  })

  it('keeps its old names if it can’t be written', async () => {
    const npy = path.join(folder, 'rows.npy')
    await saveEmbeddings(npy, [row(1)], { kind: 'text', inputs: ['old'] })
    const unwritable = { kind: 'text', inputs: [1n as unknown as string] } as const // no JSON
    await expect(saveEmbeddings(npy, [row(2)], unwritable)).rejects.toThrow(TypeError)
    expect((await readFile(npy)).readFloatLE(128)).toBe(1)
    expect(await readFile(`${npy}.json`, 'utf8')).toContain('old')
    expect((await readdir(folder)).sort()).toEqual(['rows.npy', 'rows.npy.json'])
  })
})
