import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { configOf } from '../../converters/configs/config-of.js'
import { convertCheckpoint, type ConvertOptions } from '../../converters/convert-checkpoint.js'
import type { Naming } from '../../converters/names/naming.js'
import { parseSafetensors } from '../../converters/formats/safetensors.js'
import { serializeSafetensors } from '../../converters/formats/serialize-safetensors.js'
import { openClipConfig } from '../../converters/configs/open-clip-config.js'
import { openWeights } from '../../converters/formats/open-weights.js'
import { ConfigError, FileError, InputError, WeightsError } from '../../src/errors.js'
import { MemoryFolder } from '../../src/hub/memory-folder.js'
import { openFolder } from '../../src/hub/open-folder-node.js'
import { SiglipVisionModel } from '../../src/models/siglip/vision-model.js'
import { useBackend } from '../../src/backend/backend-node.js'
import { tinyVision } from '../tiny-models.js'

const fixtures = 'test/fixtures'
let parent: string
beforeAll(() => useBackend('wasm', { quiet: true }))
beforeEach(async () => {
  parent = await realpath(await mkdtemp(path.join(tmpdir(), 'siglip-convert-')))
})
afterEach(() => rm(parent, { recursive: true }))

async function convert(source: string, name: string, options: ConvertOptions): Promise<string> {
  const destination = path.join(parent, name)
  await convertCheckpoint(await openFolder(source), destination, options)
  return destination
}

const json = async (file: string): Promise<Record<string, unknown>> =>
  JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>
const weightsOf = (folder: string): Promise<Buffer> => readFile(path.join(folder, 'model.safetensors'))

describe.each<[string, readonly Naming[]]>([
  ['siglip-tiny', ['transformers', 'big_vision', 'open_clip']],
  ['siglip-tiny-gelu', ['transformers', 'big_vision', 'open_clip']],
  ['siglip2-naflex-tiny', ['transformers', 'big_vision', 'open_clip']],
  ['vision-no-head', ['transformers', 'timm', 'big_vision']],
])('%s', (name, formats) => {
  const source = `${fixtures}/${name}`

  it.each(
    formats.flatMap((to) =>
      ([undefined, 'F16', 'BF16', 'F32'] as const).map((dtype): [Naming, ConvertOptions['dtype']] => [to, dtype]),
    ),
  )('goes to %s as %s and comes back to the byte', async (to, dtype) => {
    const there = await convert(source, 'there', { to, dtype })
    const back = await convert(there, 'back', { to: 'transformers', heads: 4 })
    const straight = await convert(source, 'straight', { to: 'transformers', dtype })
    expect((await weightsOf(back)).equals(await weightsOf(straight))).toBe(true)
    const { transformers_version, ...config } = await json(path.join(source, 'config.json'))
    expect(transformers_version).toBeDefined()
    const dtypes = { F32: 'float32', F16: 'float16', BF16: 'bfloat16', F64: 'float64' }
    expect(await json(path.join(back, 'config.json'))).toMatchObject({ ...config, dtype: dtypes[dtype ?? 'F32'] })
  })
})

test.each([
  ['siglip-tiny', 'vision', 'timm'],
  ['siglip-tiny', 'vision', 'transformers'],
  ['siglip-tiny', 'text', 'transformers'],
  ['siglip-tiny', 'text', 'big_vision'],
  ['siglip2-naflex-tiny', 'vision', 'timm'],
] as const)('one tower of %s: %s to %s and back', async (name, tower, to) => {
  const there = await convert(`${fixtures}/${name}`, 'there', { to, tower })
  const back = await convert(there, 'back', { to: 'transformers' })
  const straight = await convert(`${fixtures}/${name}`, 'straight', { to: 'transformers', tower })
  expect((await weightsOf(back)).equals(await weightsOf(straight))).toBe(true)
  const whole = await json(`${fixtures}/${name}/config.json`)
  const found = await json(path.join(back, 'config.json'))
  const sizes = Object.fromEntries(
    Object.entries(whole[`${tower}_config`] as object).filter(([key]) => !/token_id|dropout/.test(key)),
  )
  expect(found).toMatchObject(sizes)
  expect(found.architectures).toEqual([
    `${name.startsWith('siglip2') ? 'Siglip2' : 'Siglip'}${tower === 'text' ? 'Text' : 'Vision'}Model`,
  ])
})

test('a classifier goes to timm, whose towers average, and back', async () => {
  const there = await convert(`${fixtures}/classifier-single`, 'there', { to: 'timm' })
  const config = await json(path.join(there, 'config.json'))
  const back = await openWeights(await openFolder(await convert(there, 'back', { to: 'transformers', heads: 4 })))
  const own = await openWeights(await openFolder(`${fixtures}/classifier-single`))
  expect(config).toMatchObject({ global_pool: 'avg', num_classes: own.tensors.get('classifier.weight')?.shape[0] })
  expect([...back.tensors.keys()].sort()).toEqual(
    [...own.tensors.keys()].filter((key) => !/^vision_model\.head|^text_model/.test(key)).sort(),
  )
  expect(await back.read('classifier.weight')).toEqual(await own.read('classifier.weight'))
})

test('tokenizer and image processor go along', async () => {
  const there = await convert(`${fixtures}/siglip-tiny`, 'there', { to: 'open_clip' })
  expect((await readdir(there)).sort()).toEqual([
    'open_clip_config.json',
    'open_clip_model.safetensors',
    'preprocessor_config.json',
    'spiece.model',
    'tokenizer_config.json',
  ])
  const published = await json(`${fixtures}/formats/open_clip_config.json`)
  const { transformers_config, ...written } = await json(path.join(there, 'open_clip_config.json'))
  expect(transformers_config).toEqual(await json(`${fixtures}/siglip-tiny/config.json`))
  const at = (config: object): unknown => JSON.parse(JSON.stringify(config).replace(/vit_\w+|timm\/[\w-]+/g, ''))
  expect(at(written)).toEqual(at(published))
})

test('shapes tell what a lone archive was configured with', async () => {
  const archive = await readFile(`${fixtures}/formats/big_vision.npz`)
  const folder = new MemoryFolder(new Map([['webli.npz', archive]]))
  const expected = await json(`${fixtures}/siglip-tiny/config.json`)
  const { text_config, vision_config, model_type } = await configOf(folder)
  expect(model_type).toBe('siglip')
  expect(expected.vision_config).toEqual(vision_config)
  expect(expected.text_config).toMatchObject(text_config as object)
})

test('open_clip’s file tells heads and activations, and nothing tells those of an unusual tower', async () => {
  const file = 'open_clip_model.safetensors'
  const files = new Map([
    [file, await readFile(`${fixtures}/formats/${file}`)],
    ['open_clip_config.json', await readFile(`${fixtures}/formats/open_clip_config.json`)],
  ])
  await expect(configOf(new MemoryFolder(files))).rejects.toThrow(ConfigError)
  await expect(configOf(new MemoryFolder(files))).rejects.toThrow(/attention heads.*width 32.*--heads/)
  expect(await configOf(new MemoryFolder(files), undefined, { heads: 2 })).toMatchObject({
    vision_config: { num_attention_heads: 2, hidden_act: 'gelu', image_size: 32 },
    text_config: { num_attention_heads: 4, hidden_act: 'gelu_pytorch_tanh' },
  })
})

test('what a format can’t hold is said, and nothing is written', async () => {
  const to = (source: string, options: ConvertOptions): Promise<string> =>
    convert(`${fixtures}/${source}`, 'there', options)
  await expect(to('vision-no-head', { to: 'open_clip' })).rejects.toThrow(/open_clip has no format for a single tower/)
  await expect(to('vision-no-head', { to: 'timm', tower: 'text' })).rejects.toThrow(InputError)
  await expect(to('classifier-single', { to: 'big_vision' })).rejects.toThrow(/no place for a classifier/)
  await writeFile(path.join(parent, 'other.safetensors'), await readFile(`${fixtures}/converters/rounding.safetensors`))
  await expect(convert(path.join(parent, 'other.safetensors'), 'there', { to: 'timm', heads: 1 })).rejects.toThrow(
    /not the weights of a SigLIP model/i,
  )
  expect(await readdir(parent)).toEqual(['other.safetensors'])
  expect(WeightsError.prototype).toBeInstanceOf(Error)
})

describe('a folder that holds something already', () => {
  const write = (files: Readonly<Record<string, string | Uint8Array>>): Promise<unknown> =>
    Promise.all(Object.entries(files).map(([name, content]) => writeFile(path.join(parent, name), content)))
  const into = (to: Naming): Promise<unknown> =>
    openFolder(`${fixtures}/siglip-tiny`).then((source) => convertCheckpoint(source, parent, { to }))

  test('keeps every file that is none of a checkpoint’s', async () => {
    const own = {
      'my-embeddings.npz': 'mine',
      'notes.txt': 'mine',
      'pytorch_model.bin': 'mine',
      'a.safetensors': 'mine',
    }
    await write(own)
    for (const to of ['transformers', 'open_clip', 'transformers'] as const) {
      await into(to)
      for (const name of Object.keys(own)) expect(await readFile(path.join(parent, name), 'utf8')).toBe('mine')
    }
    expect(await readdir(parent)).not.toContain('open_clip_model.safetensors')
  })

  test('gives the new checkpoint to whoever loads it, whatever format it had before', async () => {
    await write({ 'my-embeddings.npz': 'mine' })
    for (const to of ['big_vision', 'open_clip', 'big_vision', 'transformers', 'big_vision'] as const) {
      await into(to)
      const file = {
        transformers: 'model.safetensors',
        open_clip: 'open_clip_model.safetensors',
        big_vision: 'model.npz',
      }
      expect((await openWeights(await openFolder(parent))).location).toBe(path.join(parent, file[to]))
      expect(await configOf(await openFolder(parent))).toMatchObject({ model_type: 'siglip' })
    }
  })

  test.each<[string, Naming, Readonly<Record<string, string | Uint8Array>>, RegExp]>([
    [
      'a program’s config.json',
      'transformers',
      { 'config.json': '{"port": 80}' },
      /under names of a checkpoint.*config/,
    ],
    [
      'one that would be read in place of open_clip’s',
      'open_clip',
      { 'config.json': '{"model_type": "bert"}' },
      /config/,
    ],
    ['an archive of arrays', 'transformers', { 'model.npz': 'PK\x03\x04' }, /found model\.npz/],
    ['weights of another model', 'open_clip', { 'model.safetensors': otherWeights() }, /found model\.safetensors/],
    ['a tokenizer without a model', 'transformers', { 'tokenizer.json': '{}' }, /found tokenizer\.json/],
    ['weights that go before an archive', 'big_vision', { 'pytorch_model.bin': 'mine' }, /in place of.*pytorch_model/],
  ])('is refused with %s, and stays as it is', async (_, to, files, message) => {
    await write(files)
    await expect(into(to)).rejects.toThrow(FileError)
    await expect(into(to)).rejects.toThrow(message)
    expect(await readdir(parent)).toEqual(Object.keys(files))
    for (const [name, content] of Object.entries(files))
      expect(Buffer.from(content).equals(await readFile(path.join(parent, name)))).toBe(true)
  })
})

function otherWeights(): Buffer {
  const tensor = { dtype: 'F32' as const, shape: [2], data: new Float32Array(2) }
  return Buffer.concat([...serializeSafetensors(new Map([['bert.pooler.dense.bias', tensor]]), {})])
}

/** siglip-tiny with other settings. */
async function tiny(vision: object, text: object = {}): Promise<MemoryFolder> {
  const config = await json(`${fixtures}/siglip-tiny/config.json`)
  const [vision_config, text_config] = [
    { ...(config.vision_config as object), ...vision },
    { ...(config.text_config as object), ...text },
  ]
  const bytes = Buffer.from(JSON.stringify({ ...config, vision_config, text_config }))
  const weights = await readFile(`${fixtures}/siglip-tiny/model.safetensors`)
  const files = new Map([
    ['config.json', bytes],
    ['model.safetensors', weights],
  ])
  return new MemoryFolder(files)
}

test.each([
  ['gelu_new', 'gelu_tanh', 'gelu_pytorch_tanh'],
  ['swish', 'silu', 'silu'],
  ['hardswish', 'hard_swish', 'hardswish'],
  ['linear', 'identity', 'linear'],
])('timm is told the activation %s as %s, and tells it as %s', async (hidden_act, act_layer, again) => {
  const there = path.join(parent, 'there')
  await convertCheckpoint(await tiny({ hidden_act }), there, { to: 'timm' })
  expect(await json(path.join(there, 'config.json'))).toMatchObject({ model_args: { act_layer } })
  expect(await configOf(await openFolder(there), undefined, { heads: 4 })).toMatchObject({ hidden_act: again })
})

test('timm is told the number of channels', async () => {
  const model = new SiglipVisionModel({ ...tinyVision, numChannels: 1 })
  await model.savePretrained(path.join(parent, 'grey'))
  model.dispose()
  const there = await convert(path.join(parent, 'grey'), 'there', { to: 'timm' })
  expect(await json(path.join(there, 'config.json'))).toMatchObject({
    model_args: { in_chans: 1 },
    pretrained_cfg: { input_size: [1, 8, 8] },
  })
})

test('settings that a format can’t hold are told, or refused', async () => {
  const there = path.join(parent, 'there')
  const notesOf = async (folder: MemoryFolder, to: Naming): Promise<string> =>
    (await convertCheckpoint(folder, there, { to })).notes.join()
  expect(await notesOf(await tiny({}), 'timm')).toBe('')
  expect(await notesOf(await tiny({ layer_norm_eps: 0.01 }), 'timm')).toMatch(/eps of 0\.000001, this model’s 0\.01/)
  expect(await notesOf(await tiny({ hidden_act: 'silu', layer_norm_eps: 0.01 }), 'open_clip')).toMatch(
    /register one as \w+, with act_layer silu, in_chans 3, layer norms of eps 0\.01,/,
  )
  await expect(notesOf(await tiny({ hidden_act: 'relu2' }), 'timm')).rejects.toThrow(
    /timm has no such activation.*relu2/,
  )
  await expect(notesOf(await tiny({}, { hidden_act: 'silu' }), 'open_clip')).rejects.toThrow(/text tower.*a gelu.*silu/)
})

test('a conversion says the type of its weights, wherever config.json says one', async () => {
  const there = path.join(parent, 'there')
  await convertCheckpoint(await tiny({ dtype: 'float32' }, { torch_dtype: 'float32' }), there, {
    ...{ to: 'transformers', dtype: 'F16' },
  })
  const config = await json(path.join(there, 'config.json'))
  expect(config).toMatchObject({
    dtype: 'float16',
    vision_config: { dtype: 'float16' },
    text_config: { dtype: 'float16' },
  })
  expect(JSON.stringify(config)).not.toMatch(/torch_dtype|float32/)
})

test.each([
  [{}, /^open_clip runs vit_base_patch16_siglip_224 with gelu, and this model with gelu_pytorch_tanh: /],
  [{ hidden_act: 'gelu_new' }, /^open_clip runs vit_base_patch16_siglip_224 with gelu, and this model with gelu_new: /],
  [{ hidden_act: 'gelu_python' }, /^$/],
  [{ hidden_act: 'silu' }, /register one as vit_custom_patch16_siglip_224, with act_layer silu,/],
  [{ hidden_act: 'gelu', layer_norm_eps: 1e-5 }, /register one as \w+, .*layer norms of eps 0\.00001,/],
])('open_clip’s file of a base tower with %j comes with the note %s', (vision, note) => {
  const config = { vision_config: { image_size: 224, ...vision }, text_config: {} }
  expect(openClipConfig(config, undefined).notes.join()).toMatch(note)
})

test('the weights of a learned activation go to no other format', async () => {
  const model = new SiglipVisionModel({ ...tinyVision, hiddenAct: 'prelu' })
  await model.savePretrained(path.join(parent, 'learned'))
  model.dispose()
  const to = (to: Naming): Promise<string> => convert(path.join(parent, 'learned'), 'there', { to })
  await expect(to('big_vision')).rejects.toThrow(/no place.*mlp\.activation_fn\.weight and 2 more/)
  await expect(to('timm')).rejects.toThrow(InputError)
  await to('transformers')
})

test('the codes of a quantized model are refused', async () => {
  const { tensors } = parseSafetensors(new Uint8Array(await readFile(`${fixtures}/siglip-tiny/model.safetensors`)))
  const name = 'vision_model.head.mlp.fc1.weight'
  const { shape } = tensors.get(name)!
  tensors.set(name, { dtype: 'I8', shape, data: new Int8Array(shape.reduce((product, n) => product * n)) })
  const config = await readFile(`${fixtures}/siglip-tiny/config.json`)
  const weights = Buffer.concat(serializeSafetensors(tensors))
  const files = new MemoryFolder(
    new Map([
      ['config.json', config],
      ['model.safetensors', weights],
    ]),
  )
  for (const to of ['transformers', 'big_vision', 'open_clip', 'timm'] as const) {
    const converting = convertCheckpoint(files, path.join(parent, 'there'), { to })
    await expect(converting).rejects.toThrow(WeightsError)
    await expect(converting).rejects.toThrow(/fc1\.weight of type I8.*not quantized/)
  }
  expect(await readdir(parent)).toEqual([])
})

test('a conversion that is stopped leaves nothing', async () => {
  const controller = new AbortController()
  const onProgress = (): void => {
    controller.abort()
  }
  const options = { to: 'big_vision', signal: controller.signal, onProgress } as const
  await expect(convert(`${fixtures}/siglip-tiny`, 'there', options)).rejects.toThrow(/abort/i)
  expect(await readdir(parent)).toEqual([])
})

describe('how images and texts are prepared goes along', () => {
  const openClip = async (change: (json: Record<string, Record<string, unknown>>) => void): Promise<string> => {
    const folder = await convert(`${fixtures}/siglip-tiny`, 'open-clip', { to: 'open_clip' })
    const file = path.join(folder, 'open_clip_config.json')
    const config = (await json(file)) as Record<string, Record<string, unknown>>
    change(config)
    await writeFile(file, JSON.stringify(config))
    await rm(path.join(folder, 'preprocessor_config.json'))
    return folder
  }

  test('a way of resizing that transformers lacks is kept and said, and comes back', async () => {
    const source = await openClip((config) => {
      config.preprocess_cfg = { interpolation: 'bilinear', resize_mode: 'longest', fill_color: 7 }
    })
    const there = path.join(parent, 'there')
    const { notes } = await convertCheckpoint(await openFolder(source), there, { to: 'transformers' })
    expect(notes.join()).toMatch(/resize_mode "longest".*squashed/)
    const settings = {
      resize_mode: 'longest',
      fill_color: 7,
      resample: 2,
      image_mean: [0.48145466, 0.4578275, 0.40821073],
    }
    expect(await json(path.join(there, 'preprocessor_config.json'))).toMatchObject(settings)
    const back = await convert(there, 'back', { to: 'open_clip' })
    expect((await json(path.join(back, 'open_clip_config.json'))).preprocess_cfg).toMatchObject({
      interpolation: 'bilinear',
      resize_mode: 'longest',
      fill_color: 7,
    })
    await expect(convert(there, 'timm', { to: 'timm' })).rejects.toThrow(/timm can’t express.*fill_color 7/)
  })

  test.each<[string, Naming, object, RegExp]>([
    ['size', 'open_clip', { size: { shortest_edge: 32 } }, /open_clip can’t express.*size \{"shortest_edge":32\}/],
    ['cropping', 'timm', { do_center_crop: true, crop_size: { height: 8, width: 8 } }, /do_center_crop true/],
    ['filter', 'open_clip', { resample: 1 }, /resample "lanczos"/],
    ['scale', 'timm', { rescale_factor: 1 }, /rescale_factor 1/],
    ['crop_pct', 'open_clip', { resize_mode: 'shortest', crop_pct: 0.9 }, /crop_pct 0\.9/],
  ])('another %s than a format can say is refused by name', async (_, to, change, message) => {
    const source = await convert(`${fixtures}/siglip-tiny`, 'source', { to: 'transformers' })
    const file = path.join(source, 'preprocessor_config.json')
    await writeFile(file, JSON.stringify({ ...(await json(file)), ...change }))
    await expect(convert(source, 'there', { to })).rejects.toThrow(InputError)
    await expect(convert(source, 'there', { to })).rejects.toThrow(message)
  })

  test('timm is told its crop', async () => {
    const source = await convert(`${fixtures}/siglip-tiny`, 'source', { to: 'transformers' })
    const file = path.join(source, 'preprocessor_config.json')
    await writeFile(
      file,
      JSON.stringify({ ...(await json(file)), resize_mode: 'shortest', crop_pct: 0.9, resample: 1 }),
    )
    const there = await convert(source, 'there', { to: 'timm' })
    const cfg = { crop_mode: 'center', crop_pct: 0.9, interpolation: 'lanczos' }
    expect((await json(path.join(there, 'config.json'))).pretrained_cfg).toMatchObject(cfg)
  })

  test('a way of cleaning texts is kept and said', async () => {
    const source = await openClip((config) => {
      Object.assign(config.model_cfg?.text_cfg as object, { tokenizer_kwargs: { clean: 'lower' }, context_length: 16 })
    })
    const there = path.join(parent, 'there')
    const { notes } = await convertCheckpoint(await openFolder(source), there, { to: 'transformers' })
    expect(notes.join()).toMatch(/cleaned as by open_clip’s "lower"/)
    const saved = { open_clip_clean: 'lower', model_max_length: 16 }
    expect(await json(path.join(there, 'tokenizer_config.json'))).toMatchObject(saved)
    const back = await convert(there, 'back', { to: 'open_clip' })
    const { model_cfg } = (await json(path.join(back, 'open_clip_config.json'))) as Record<
      string,
      Record<string, unknown>
    >
    expect(model_cfg?.text_cfg).toMatchObject({ tokenizer_kwargs: { clean: 'lower' } })
  })
})

it.each([
  ['transformers', NaN, undefined, /not a finite number.*NaN at index 3 of vision_model\.post_layernorm\.bias/],
  ['big_vision', -Infinity, undefined, /-Infinity at index 3 of /],
  ['open_clip', 1e5, 'F16', /too large for F16.*100000 at index 3 of /],
  ['timm', 3.4e38, 'BF16', /too large for BF16.*at index 3 of /],
] as const)('refuses for %s a weight of %p as %s, and writes nothing', async (to, value, dtype, message) => {
  const { tensors, metadata } = parseSafetensors(await readFile(`${fixtures}/siglip-tiny/model.safetensors`))
  const name = 'vision_model.post_layernorm.bias'
  const tensor = tensors.get(name)
  if (!tensor) throw new Error(`no ${name}`)
  const data = Float32Array.from(tensor.data, Number)
  data[3] = value
  const bytes = new Uint8Array(Buffer.concat(serializeSafetensors(tensors.set(name, { ...tensor, data }), metadata)))
  const config = await readFile(`${fixtures}/siglip-tiny/config.json`)
  const folder = new MemoryFolder(
    new Map([
      ['config.json', config],
      ['model.safetensors', bytes],
    ]),
  )
  const there = path.join(parent, 'there')
  await expect(convertCheckpoint(folder, there, { to, dtype })).rejects.toThrow(message)
  expect(existsSync(there)).toBe(false)
})
