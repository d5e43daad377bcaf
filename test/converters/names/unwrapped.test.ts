import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseSafetensors } from '../../../converters/formats/safetensors.js'
import { convertCheckpoint } from '../../../converters/convert-checkpoint.js'
import { configOf } from '../../../converters/configs/config-of.js'
import { serializeSafetensors } from '../../../converters/formats/serialize-safetensors.js'
import { unwrapped } from '../../../converters/names/unwrapped.js'
import { openWeights } from '../../../converters/formats/open-weights.js'
import type { Weights } from '../../../converters/formats/weights.js'
import { WeightsError } from '../../../src/errors.js'
import { MemoryFolder } from '../../../src/hub/memory-folder.js'
import { openFolder } from '../../../src/hub/open-folder-node.js'
import { SiglipVisionModel } from '../../../src/models/siglip/vision-model.js'
import { useBackend } from '../../../src/backend/backend-node.js'

const bytes = (name: string): Uint8Array => Uint8Array.from(readFileSync(`test/fixtures/${name}`))
const tiny = parseSafetensors(bytes('siglip-tiny/model.safetensors')).tensors

/** A folder of weights under other names. */
function renamedFolder(rename: (name: string) => string | readonly string[], source = tiny): MemoryFolder {
  const tensors = new Map([...source].flatMap(([name, tensor]) => [rename(name)].flat().map((own) => [own, tensor])))
  return new MemoryFolder(new Map([['model.safetensors', Buffer.concat([...serializeSafetensors(tensors, {})])]]))
}
const opened = async (rename: (name: string) => string | readonly string[], source = tiny): Promise<Weights> =>
  openWeights(renamedFolder(rename, source))

beforeAll(() => useBackend('wasm', { quiet: true }))

test.each<[string, (name: string) => string, string]>([
  ['torch.compile', (name) => `_orig_mod.${name}`, '_orig_mod.'],
  ['DataParallel', (name) => `module.${name}`, 'module.'],
  ['a Lightning module', (name) => `model.${name}`, 'model.'],
  ['a compiled part of one', (name) => `model._orig_mod.${name}`, 'model._orig_mod.'],
  ['both, the other way round', (name) => `_orig_mod.module.model.${name}`, '_orig_mod.module.model.'],
  ['a part of a program’s own name', (name) => `siglip.${name}`, 'siglip.'],
  ['compiled towers', (name) => name.replace(/^(vision|text)_model/, '$1_model._orig_mod'), '_orig_mod.'],
  [
    'wrapped layers',
    (name) => `model.${name.replace(/layers\.(\d+)/, 'layers.$1._checkpoint_wrapped_module')}`,
    '"model.", "_checkpoint_wrapped_module."',
  ],
])('the prefixes of %s are taken off, and said', async (_, rename, said) => {
  const { weights, note } = unwrapped(await opened(rename))
  expect(new Set(weights.tensors.keys())).toEqual(new Set(tiny.keys()))
  for (const [name, { data }] of tiny) expect(await weights.read(name)).toEqual(data)
  expect(await weights.read('logit_scale', 0, 1)).toHaveLength(1)
  expect(note).toMatch(/^Names of weights in memory\/model\.safetensors are read without "[^\n]*\.$/)
  expect(note).toContain(said)
  await expect(weights.read('nothing')).rejects.toThrow(/Tensor not found/)
})

test.each([
  ['siglip-tiny/model.safetensors'],
  ['formats/open_clip_model.safetensors'],
  ['vision-no-head/model.safetensors'],
  ['classifier-single/model.safetensors'],
])('names of %s stay as they are, and come back from behind a prefix', async (file) => {
  const source = parseSafetensors(bytes(file)).tensors
  const plain = await opened((name) => name, source)
  expect(unwrapped(plain)).toEqual({ weights: plain, note: undefined })
  const { weights } = unwrapped(await opened((name) => `model.${name}`, source))
  expect(new Set(weights.tensors.keys())).toEqual(new Set(source.keys()))
})

test('what else is in the file keeps its name, so that loading finds it', async () => {
  const { weights } = unwrapped(await opened((name) => (name === 'logit_bias' ? 'loss.scale' : `model.${name}`)))
  expect(weights.tensors.has('loss.scale')).toBe(true)
  expect(weights.tensors.has('logit_scale')).toBe(true)
})

test('two models in a file are refused, and two weights of one name', async () => {
  const two = await opened((name) => [`student.${name}`, `teacher.${name}`])
  expect(() => unwrapped(two)).toThrow(WeightsError)
  expect(() => unwrapped(two)).toThrow(/several models.*student\., teacher\./)
  const twice = await opened((name) => [`module.${name}`, name])
  expect(() => unwrapped(twice)).toThrow(/the same name without their prefixes.*module\./)
  const beside = await opened((name) => [name, `ema.${name}`])
  expect(unwrapped(beside).weights).toBe(beside) // the model’s own names go first; loading names the others
})

describe('a checkpoint of Lightning, its model compiled', () => {
  const lightning = 'test/fixtures/lightning'
  const expected = parseSafetensors(bytes('lightning/expected/model.safetensors')).tensors

  test('loads with a line that says what was taken off', async () => {
    const warn = jest.spyOn(console, 'warn').mockImplementation(() => undefined)
    try {
      const model = await SiglipVisionModel.fromPretrained(lightning)
      const said = warn.mock.calls.map(([line]) => String(line))
      expect(said).toEqual([
        expect.stringMatching(/^siglip-tfjs: .*last\.ckpt are read without "model\._orig_mod\."\.$/),
      ])
      const parameters = model.namedParameters()
      expect(parameters.size).toBe(expected.size)
      for (const [name, { data }] of expected) {
        const own = parameters.get(name.replace(/^vision_model\./, ''))
        expect(await own?.data()).toEqual(data)
      }
      model.dispose()
    } finally {
      warn.mockRestore()
    }
  })

  test('is converted, and its configuration told by its shapes', async () => {
    const parent = await mkdtemp(path.join(tmpdir(), 'siglip-lightning-'))
    try {
      const there = path.join(parent, 'there')
      const { from, notes } = await convertCheckpoint(await openFolder(lightning), there, { to: 'timm' })
      expect(from).toBe('transformers')
      expect(notes[0]).toMatch(/read without "model\._orig_mod\."/)
      const alone = new MemoryFolder(new Map([['last.ckpt', bytes('lightning/last.ckpt')]]))
      expect(await configOf(alone, undefined, { heads: 2 })).toMatchObject({ hidden_size: 8, patch_size: 4 })
    } finally {
      await rm(parent, { recursive: true })
    }
  })
})

test('weights of DataParallel in a file of torch are said, too', async () => {
  const { weights, note } = unwrapped(
    await openWeights(new MemoryFolder(new Map([['x', bytes('converters/torch-training.pt')]])), { file: 'x' }),
  )
  expect(weights.tensors.has('half')).toBe(true)
  expect(note).toMatch(/without "module\."/)
})
