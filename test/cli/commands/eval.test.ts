import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { writeColours } from '../../training/colours.js'
import { fixture, jsonLines, model, siglip } from '../siglip.js'

let data = ''
beforeAll(async () => {
  data = await mkdtemp(path.join(tmpdir(), 'siglip-eval-'))
  await writeColours(data)
})
afterAll(() => rm(data, { recursive: true, force: true }))

describe('siglip eval', () => {
  it('measures retrieval and zero-shot accuracy, as lines and as JSON', async () => {
    const lines = await siglip(['eval', data, '--model', model])
    expect(lines.code).toBe(0)
    expect(lines.stdout).toMatch(/^image-to-text R@1 {2}[01]\.\d{4}\n(.*\n){4}text-to-image R@10 {2}[01]\.\d{4}\n$/)
    const json = await siglip(['eval', data, '--model', model, '--task', 'zero-shot', '--prompts', 'clip7', '--json'])
    expect(jsonLines(json.stdout)).toEqual([
      { 'top-1 accuracy': expect.any(Number) as number, 'top-5 accuracy': expect.any(Number) as number },
    ])
  })

  it.each<[string, readonly string[], number, RegExp]>([
    ['a mistyped task', ['--task', 'retrival'], 2, /Did you mean retrieval/],
    [
      'classes that the classifier has not',
      ['--task', 'classification'],
      1,
      /not one of the model’s|classes have no names/,
    ],
  ])('says in one line what is wrong with %s', async (_, options, expected, message) => {
    const { code, stdout, stderr } = await siglip(['eval', data, '--model', model, ...options])
    expect([code, stdout]).toEqual([expected, ''])
    expect(stderr).toMatch(message)
  })

  it('runs operation by operation with the same figures', async () => {
    const run = ['eval', data, '--model', model, '--json']
    const [recorded, plain] = [await siglip(run), await siglip([...run, '--no-jit'])]
    expect([plain.code, jsonLines(plain.stdout)]).toEqual([0, jsonLines(recorded.stdout)])
    const refused = await siglip([...run, '--no-jit', '--precision', 'bfloat16'])
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringMatching(/bfloat16 needs jit/)])
  })

  it('takes the backend and the threads from the environment, checked as the options are', async () => {
    const run = ['eval', data, '--model', model, '--json']
    const { code, stderr } = await siglip(run, { env: { SIGLIP_BACKEND: 'cpu', SIGLIP_THREADS: '1' } })
    expect([code, stderr]).toEqual([0, expect.stringMatching(/runs on plain JavaScript/)])
    for (const env of [{ SIGLIP_BACKEND: 'cup' }, { SIGLIP_THREADS: 'many' }] as const) {
      const wrong = await siglip(run, { env })
      expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining(Object.keys(env)[0] ?? '')])
    }
  })

  it('says how many captions were cut', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'siglip-eval-'))
    const rows = ['red', 'blue'].map((name) => ({ file_name: `${name}.png`, text: `${'word '.repeat(30)}${name}` }))
    for (const name of ['red', 'blue'])
      await copyFile(fixture('images', 'small-rgb.png'), path.join(folder, `${name}.png`))
    await writeFile(path.join(folder, 'metadata.jsonl'), rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
    const { code, stderr } = await siglip(['eval', folder, '--model', model])
    expect([code, stderr]).toEqual([0, expect.stringMatching(/2 texts are longer than the 16 tokens/)])
    await rm(folder, { recursive: true, force: true })
  })

  it('takes the captions from another column', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'siglip-eval-'))
    await writeColours(folder)
    const rows = ['red', 'green'].map((colour) => ({
      file_name: `${colour}/${colour}-0.png`,
      text: 'x',
      words: ['bright', colour],
    }))
    await writeFile(path.join(folder, 'metadata.jsonl'), rows.map((row) => JSON.stringify(row)).join('\n'))
    const all = ['eval', folder, '--model', model, '--on-broken', 'skip', '--json', '--caption-column']
    expect(jsonLines((await siglip([...all, 'words'])).stdout)).toEqual([
      expect.objectContaining({ 'text-to-image R@5': 1 }),
    ])
    const { code, stderr } = await siglip([...all, 'word'])
    expect([code, stderr]).toEqual([1, expect.stringContaining('The data is empty')])
    const shards = await siglip(['eval', 'a.tar', '--model', model, '--caption-column', 'words'])
    expect([shards.code, shards.stderr]).toEqual([2, expect.stringContaining('Shards have no columns')])
    await rm(folder, { recursive: true, force: true })
  })

  it('names what is broken', async () => {
    await writeFile(path.join(data, 'red', 'broken.png'), 'none')
    const { code, stderr } = await siglip(['eval', data, '--model', model])
    expect([code, stderr]).toEqual([1, expect.stringContaining('red/broken.png: unreadable image')])
    const skipped = await siglip(['eval', data, '--model', model, '--on-broken', 'skip'])
    expect([skipped.code, skipped.stderr]).toEqual([0, expect.stringContaining('1 broken: 1 × unreadable image')])
  })
})
