import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fixture, jsonLines, model, siglip } from '../siglip.js'

let parent: string
beforeEach(async () => {
  parent = await mkdtemp(path.join(tmpdir(), 'siglip-convert-'))
})
afterEach(() => rm(parent, { recursive: true }))

describe('siglip convert', () => {
  it('takes a checkpoint to another format and back', async () => {
    const [there, back] = [path.join(parent, 'there'), path.join(parent, 'back')]
    const { code, stdout, stderr } = await siglip(['convert', model, there, '--to', 'big_vision'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/^transformers → big_vision: .*there\n {2}model\.npz\n/)
    const second = await siglip(['convert', path.join(there, 'model.npz'), back, '--to', 'transformers', '--json'])
    expect(jsonLines(second.stdout)).toMatchObject([{ from: 'big_vision', to: 'transformers', folder: back }])
    const [before, after] = await Promise.all([model, back].map((dir) => readFile(path.join(dir, 'model.safetensors'))))
    expect(after!.equals(before!)).toBe(true)
  })

  it('tells a lone archive’s configuration by its shapes, and writes shards of another type', async () => {
    const there = path.join(parent, 'there')
    const options = ['--to', 'transformers', '--dtype', 'bfloat16', '--max-shard-size', '40KB']
    const { code } = await siglip(['convert', fixture('formats', 'big_vision-scan.npz'), there, ...options])
    expect(code).toBe(0)
    expect(await readdir(there)).toContain('model.safetensors.index.json')
    expect(JSON.parse(await readFile(path.join(there, 'config.json'), 'utf8'))).toMatchObject({
      dtype: 'bfloat16',
      vision_config: { num_attention_heads: 4, patch_size: 8, image_size: 32 },
    })
  })

  it('writes over nothing without being told to', async () => {
    const first = await siglip(['convert', model, parent, '--to', 'open_clip'])
    expect(first.code).toBe(0)
    const second = await siglip(['convert', model, parent, '--to', 'transformers'])
    expect(second).toMatchObject({ code: 1, stdout: '' })
    expect(second.stderr).toMatch(/^siglip: The folder is not empty.*open_clip_config\.json.*--force\.\n$/)
    const third = await siglip(['convert', model, parent, '--to', 'transformers', '--force'])
    expect(third.code).toBe(0)
    expect(await readdir(parent)).not.toContain('open_clip_model.safetensors')
  })

  it.each<[string, readonly string[], number, RegExp]>([
    ['a missing source', ['./nowhere', '--to', 'timm'], 1, /Folder not found/],
    ['a folder of something else', [fixture('tokenizer'), '--to', 'timm'], 1, /no weights/],
    ['no format', [model], 2, /--to/],
    ['a mistyped format', [model, '--to', 'openclip'], 2, /Did you mean open_clip/],
    ['a size that is none', [model, '--to', 'transformers', '--max-shard-size', 'big'], 2, /such as 5GB/],
  ])('says in one line what is wrong with %s', async (_, [source = '', ...options], expected, message) => {
    const { code, stdout, stderr } = await siglip(['convert', source, path.join(parent, 'x'), ...options])
    expect({ code, stdout }).toEqual({ code: expected, stdout: '' })
    expect(stderr).toMatch(/^siglip: [^\n]*\n$/)
    expect(stderr).toMatch(message)
    expect(await readdir(parent)).toEqual([])
  })
})
