import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseSafetensors } from '../../converters/formats/safetensors.js'
import { serializeSafetensors } from '../../converters/formats/serialize-safetensors.js'
import { fixture, model, siglip } from './siglip.js'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'siglip-non-finite-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** A copy of the model with one weight of one value. */
async function modelWith(weight: string, value: number): Promise<string> {
  const copy = path.join(folder, `${weight} ${value}`)
  await cp(model, copy, { recursive: true })
  const file = path.join(copy, 'model.safetensors')
  const { tensors, metadata } = parseSafetensors(await readFile(file))
  const tensor = tensors.get(weight)
  if (!tensor) throw new Error(`no ${weight}`)
  tensors.set(weight, { ...tensor, data: new Float32Array(tensor.data.length).fill(value) })
  await writeFile(file, Buffer.concat(serializeSafetensors(tensors, metadata)))
  return copy
}

const image = fixture('images', 'chelsea.png')
const commands = [
  ['embed', '--image', image, '--json'],
  ['embed', '--image', image, '--out', 'rows.npy'],
  ['classify', image, '--labels', 'a,b'],
  ['search', 'cat', image, '--index', 'kept.safetensors'],
]

it.each(commands)('%s %s: a NaN in a weight is an error that names it, and no answer', async (...command) => {
  const broken = await modelWith('vision_model.post_layernorm.weight', NaN)
  const { code, stdout, stderr } = await siglip([...command, '--model', broken], { cwd: folder })
  expect([code, stdout]).toEqual([1, ''])
  expect(stderr).toMatch(/not a finite number: .*NaN at index 0 of vision_model\.post_layernorm\.weight \(/)
})

it.each(commands)('%s %s: finite weights that make an answer infinite are an error', async (...command) => {
  const broken = await modelWith(
    command[0] === 'classify' ? 'logit_scale' : 'vision_model.post_layernorm.weight',
    command[0] === 'classify' ? 1000 : 3e38,
  )
  const { code, stdout, stderr } = await siglip([...command, '--model', broken], { cwd: folder })
  expect([code, stdout]).toEqual([1, ''])
  expect(stderr).toMatch(/The model’s output is not finite: .*input 1 of a batch of/)
})
