import { readFileSync } from 'node:fs'
import path from 'node:path'
import { parseSafetensors } from '../../../converters/formats/safetensors.js'
import { fixture, jsonLines, model, siglip } from '../siglip.js'

interface Line {
  readonly tensors: readonly { readonly name: string; readonly dtype: string; readonly shape: readonly number[] }[]
  readonly parameters: number
  readonly config: unknown
}
const weights = path.join(model, 'model.safetensors')
const { tensors } = parseSafetensors(readFileSync(weights))
const parameters = [...tensors.values()].reduce((sum, { data }) => sum + data.length, 0)

async function inspected(where: string): Promise<Line> {
  const { code, stdout, stderr } = await siglip(['inspect', where, '--json'])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  const [line, ...more] = jsonLines(stdout) as [Line]
  expect(more).toEqual([])
  expect(Object.keys(line)).toEqual(['tensors', 'parameters', 'config'])
  return line
}

describe('siglip inspect', () => {
  it('lists the weights and the configuration of a folder', async () => {
    const line = await inspected(model)
    expect(line.tensors).toEqual([...tensors].map(([name, { dtype, shape }]) => ({ name, dtype, shape })))
    expect(line.parameters).toBe(parameters)
    expect(line.config).toEqual(JSON.parse(readFileSync(path.join(model, 'config.json'), 'utf8')))
  })

  it('takes a file alone, whatever its type, and shards', async () => {
    const [file, half, shards] = await Promise.all([
      inspected(weights),
      inspected(fixture('formats', 'model-bf16.safetensors')),
      inspected(fixture('formats', 'sharded')),
    ])
    expect(file).toMatchObject({ parameters, config: null })
    expect(half).toMatchObject({ parameters, config: null })
    expect(new Set(half.tensors.map(({ dtype }) => dtype))).toEqual(new Set(['BF16']))
    expect(shards).toMatchObject({ parameters, config: { model_type: 'siglip' } })
  })

  it('prints a table, the totals and what else stands in the file', async () => {
    const { stdout } = await siglip(['inspect', weights])
    expect(stdout).toMatch(/^logit_bias +F32 +\[1\]$/m)
    expect(stdout).toContain(
      `${tensors.size} tensors, ${parameters.toLocaleString('en')} parameters, ${(parameters * 4).toLocaleString('en')} bytes`,
    )
    expect(stdout).toMatch(/^format: pt$/m)
  })

  it.each<[string, string, RegExp]>([
    ['a missing path', './nowhere', /Folder not found/],
    ['a folder without weights', fixture('tokenizer'), /no weights/],
    ['a file of something else', fixture('README.md'), /README\.md/],
  ])('says in one line what is wrong with %s', async (_, where, message) => {
    const { code, stdout, stderr } = await siglip(['inspect', where])
    expect(stdout).toBe('')
    expect(stderr).toMatch(/^siglip: [^\n]*\n$/)
    expect(stderr).toMatch(message)
    expect(code).toBe(1)
  })
})
