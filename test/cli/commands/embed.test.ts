import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseSafetensors } from '../../../converters/formats/safetensors.js'
import { reference as expected } from '../reference.js'
import { fixture, jsonLines, siglip } from '../siglip.js'

const images = fixture('images')

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'siglip-cli-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

interface Line {
  readonly image?: string
  readonly text?: string
  readonly embedding: readonly number[]
}

function expectClose(found: readonly number[], wanted: readonly number[]): void {
  expect(found).toHaveLength(wanted.length)
  for (const [i, value] of wanted.entries())
    expect(Math.abs(found[i]! - value)).toBeLessThan(1e-5 * (1 + Math.abs(value)))
}

describe.each(['auto', 'wasm'])('siglip embed --backend %s', (backend) => {
  it('gives the embeddings of transformers, text by text', async () => {
    const { code, stdout } = await siglip(['embed', '--text', 'a cat', 'two dogs', '--backend', backend, '--json'])
    expect(code).toBe(0)
    const found = jsonLines(stdout) as Line[]
    expect(found.map((line) => Object.keys(line))).toEqual([
      ['text', 'embedding'],
      ['text', 'embedding'],
    ])
    expect(found.map(({ text }) => text)).toEqual(['a cat', 'two dogs'])
    for (const [i, { embedding }] of found.entries()) expectClose(embedding, expected.textEmbeddings[i]!)
  })
})

describe('siglip embed', () => {
  it('embeds images, writes them to a safetensors file with their names, and goes on past what is none', async () => {
    const out = path.join(folder, 'new', 'images.safetensors')
    const args = ['embed', '--image', 'chelsea.png', '../README.md', 'rocket.jpg', '--out', out]
    const { code, stdout, stderr } = await siglip([...args, '--json'], { cwd: images })
    expect(code).toBe(1)
    expect(stderr).toMatch(/siglip: [^\n]*README\.md/)
    expect(stderr).toContain('2 × 32 float32')
    const { tensors, metadata } = parseSafetensors(await readFile(out))
    expect(metadata).toEqual({ kind: 'image', inputs: '["chelsea.png","rocket.jpg"]' })
    expect(tensors.get('embeddings')).toMatchObject({ dtype: 'F32', shape: [2, 32] })
    const values = Array.from(tensors.get('embeddings')!.data, Number)
    expectClose(values.slice(0, 32), expected.imageEmbedding)
    // What JSON has are the same float32 numbers.
    expect((jsonLines(stdout) as Line[]).flatMap(({ embedding }) => embedding.map(Math.fround))).toEqual(values)
  })

  it('embeds the lines of a file at length one, and writes them to an npy file', async () => {
    const texts = path.join(folder, 'texts.txt')
    const out = path.join(folder, 'texts.npy')
    await writeFile(texts, '\ufeffa cat\r\n\r\ntwo dogs\n')
    const { code, stdout } = await siglip(['embed', '--texts', texts, '--normalize', '--out', out])
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' })
    const bytes = await readFile(out)
    const head = bytes.readUInt16LE(8) + 10
    expect(bytes.toString('latin1', 10, head)).toContain("'shape': (3, 32)")
    const values = Array.from(
      new Float32Array(bytes.buffer.slice(bytes.byteOffset + head, bytes.byteOffset + bytes.length)),
    )
    expect(values).toHaveLength(3 * 32)
    for (const [row, wanted] of [
      [0, expected.textEmbeddings[0]!],
      [2, expected.textEmbeddings[1]!],
    ] as const) {
      const length = Math.hypot(...wanted)
      expectClose(
        values.slice(row * 32, row * 32 + 32),
        wanted.map((value) => value / length),
      )
    }
    expect(await readdir(folder)).toEqual(['texts.npy', 'texts.npy.json', 'texts.txt'])
    const inputs = ['a cat', '', 'two dogs']
    expect(JSON.parse(await readFile(`${out}.json`, 'utf8'))).toEqual({ kind: 'text', inputs })
  })

  it('says how many texts were cut', async () => {
    const texts = path.join(folder, 'texts.txt')
    await writeFile(texts, `${'word '.repeat(30)}red\nshort\n${'word '.repeat(30)}blue\n`)
    const { code, stderr } = await siglip(['embed', '--texts', texts, '--json'])
    expect(code).toBe(0)
    expect(stderr).toMatch(/\n2 texts are longer than the 16 tokens that the model takes: their ends are left out\.\n$/)
    const quiet = await siglip(['embed', '--texts', texts, '--json', '--quiet'])
    expect(quiet.stderr).toBe('')
  })

  it('prints the first numbers and how many there are; texts may come from stdin', async () => {
    const { stdout } = await siglip(['embed', '--texts', '-'], { input: 'a cat\ntwo dogs' })
    expect(stdout).toMatch(/^a cat {2}\[0\.0724, 0\.7448, 0\.0030, -0\.8537, …\] {2}32 numbers\ntwo dogs {2}\[.*\n$/)
  })

  it.each<[string, string[], number, RegExp]>([
    ['nothing', [], 2, /Missing inputs/],
    ['two kinds', ['--image', 'a.png', '--text', 'b'], 2, /cannot be used with/],
    ['a file of another kind', ['--text', 'a', '--out', 'a.txt'], 2, /\.npy or \.safetensors/],
    ['a missing file of texts', ['--texts', 'missing.txt'], 1, /can’t be read.*ENOENT.*missing\.txt/],
    ['a folder as file of texts', ['--texts', '.'], 1, /can’t be read.*EISDIR/],
    ['images none of which is one', ['--image', fixture('README.md'), '--out', 'a.npy', '--quiet'], 1, /README\.md/],
  ])('says in one line what is wrong with %s, and writes nothing', async (_, args, expectedCode, message) => {
    const { code, stdout, stderr } = await siglip(['embed', ...args], { cwd: folder })
    expect(stdout).toBe('')
    expect(stderr).toMatch(/^siglip: [^\n]*\n$/)
    expect(stderr).toMatch(message)
    expect(code).toBe(expectedCode)
    expect(await readdir(folder)).toEqual([])
  })

  it('says that it can’t write, and leaves what was there', async () => {
    await writeFile(path.join(folder, 'file'), 'kept')
    const { code, stderr } = await siglip(['embed', '--text', 'a', '--out', 'file/a.npy', '--quiet'], { cwd: folder })
    expect(stderr).toMatch(/^siglip: [^\n]*can’t be written[^\n]*\n$/i)
    expect(code).toBe(1)
    expect(await readFile(path.join(folder, 'file'), 'utf8')).toBe('kept')
  })
})
