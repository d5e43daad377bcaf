import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import * as tf from '@tensorflow/tfjs'
import { parseSafetensors } from '../../../converters/formats/safetensors.js'
import { serializeSafetensors } from '../../../converters/formats/serialize-safetensors.js'
import { ConfigError, FileError, FormatError, WeightsError } from '../../../src/errors.js'
import { MemoryFolder } from '../../../src/hub/memory-folder.js'
import { SiglipConfig, SiglipTextConfig, SiglipVisionConfig } from '../../../src/models/siglip/configuration.js'
import { SiglipForImageClassification } from '../../../src/models/siglip/image-classification.js'
import { SiglipModel } from '../../../src/models/siglip/modeling.js'
import { SiglipTextModel } from '../../../src/models/siglip/text-model.js'
import { SiglipVisionModel } from '../../../src/models/siglip/vision-model.js'
import { onEachBackend } from '../../backends.js'
import { deviation, fixturePath, readFixture } from '../../fixture.js'
import { leaked } from '../../leaks.js'
import { family, tiny } from '../../tiny-models.js'

const bytes = (...parts: string[]) => Uint8Array.from(readFileSync(fixturePath(...parts)))
const encode = (json: unknown) => new TextEncoder().encode(JSON.stringify(json))
const decode = (file: Uint8Array) => JSON.parse(new TextDecoder().decode(file)) as Record<string, unknown>

/** The files of siglip-tiny, some replaced. */
const folder = (files: Record<string, Uint8Array> = {}) =>
  new MemoryFolder(
    new Map(
      Object.entries({
        'config.json': bytes('siglip-tiny', 'config.json'),
        'model.safetensors': bytes('siglip-tiny', 'model.safetensors'),
        ...files,
      }),
    ),
  )

/** The weights of siglip-tiny, changed. */
function weights(
  change: (tensors: Map<string, { dtype: 'F32'; shape: readonly number[]; data: Float32Array }>) => void,
) {
  const { tensors } = parseSafetensors(bytes('siglip-tiny', 'model.safetensors'))
  const floats = new Map(
    [...tensors].map(([name, { shape, data }]) => [
      name,
      { dtype: 'F32' as const, shape, data: Float32Array.from(data, Number) },
    ]),
  )
  change(floats)
  return { 'model.safetensors': Uint8Array.from(Buffer.concat(serializeSafetensors(floats))) }
}

const config = (change: (json: Record<string, unknown>) => void) => {
  const json = decode(bytes('siglip-tiny', 'config.json'))
  change(json)
  return { 'config.json': encode(json) }
}

onEachBackend(() => {
  describe('a broken checkpoint', () => {
    const probe = 'vision_model.head.probe'
    const broken: [string, () => MemoryFolder, new (message: string) => Error, RegExp][] = [
      [
        'truncated weights',
        () => folder({ 'model.safetensors': bytes('siglip-tiny', 'model.safetensors').subarray(0, 90_000) }),
        FormatError,
        /model\.safetensors/,
      ],
      ['no weights', () => new MemoryFolder(new Map([['config.json', encode({})]])), FileError, /weights/],
      [
        'no config.json',
        () => new MemoryFolder(new Map([['model.safetensors', bytes('siglip-tiny', 'model.safetensors')]])),
        ConfigError,
        /config\.json/,
      ],
      ['a config.json that is none', () => folder({ 'config.json': encode([1]) }), ConfigError, /expected an object/],
      [
        'a config.json that is no JSON',
        () => folder({ 'config.json': new TextEncoder().encode('{') }),
        ConfigError,
        /JSON/,
      ],
      [
        'all that weights can have wrong, at once',
        () =>
          folder(
            weights((tensors) => {
              const { data } = tensors.get(probe)!
              tensors.set('vision_model.head.porbe', { dtype: 'F32', shape: [1, 1, data.length], data })
              tensors.delete(probe)
              tensors.set('logit_scale', { dtype: 'F32', shape: [2], data: new Float32Array(2) })
            }),
          ),
        WeightsError,
        /1 missing: vision_model\.head\.probe \(nearest: vision_model\.head\.porbe\); 1 unexpected: vision_model\.head\.porbe; 1 of another shape: logit_scale \(expected \[1\], found \[2\]\).*memory.*config\.json/,
      ],
      [
        'weights of whole numbers',
        () => {
          const { tensors } = parseSafetensors(bytes('siglip-tiny', 'model.safetensors'))
          const data = new Int8Array(tensors.get(probe)!.data.length)
          const quantized = new Map([...tensors, [probe, { ...tensors.get(probe)!, dtype: 'I8' as const, data }]])
          return folder({ 'model.safetensors': Uint8Array.from(Buffer.concat(serializeSafetensors(quantized))) })
        },
        WeightsError,
        /vision_model\.head\.probe of type I8 \(memory\)/,
      ],
      [
        'a vocabulary beyond all memory',
        () =>
          folder(
            config((json) => (json['text_config'] = { ...(json['text_config'] as object), vocab_size: 2 ** 31 - 1 })),
          ),
        ConfigError,
        /token_embedding\.weight/,
      ],
      [
        'a larger model than its weights',
        () =>
          folder(
            config(
              (json) => (json['vision_config'] = { ...(json['vision_config'] as object), num_hidden_layers: 900 }),
            ),
          ),
        WeightsError,
        /\d+ missing: vision_model\.encoder\.layers\.\d+\./,
      ],
      [
        'a thousand million layers',
        () =>
          folder(
            config(
              (json) => (json['vision_config'] = { ...(json['vision_config'] as object), num_hidden_layers: 1e9 }),
            ),
          ),
        ConfigError,
        /num_hidden_layers: expected a whole number from 0 to 1000, found 1000000000/,
      ],
    ]

    it.each(broken)('%s: an error that says so, and no tensor left', async (_, source, type, message) => {
      const load = () => SiglipModel.fromPretrained(source())
      await expect(load()).rejects.toThrow(message)
      await expect(load()).rejects.toBeInstanceOf(type)
      expect(await leaked(load)).toBe(0)
    })

    it('that ends half-way leaves no tensor', async () => {
      const whole = folder()
      let reads = 0
      const ending = Object.assign(Object.create(whole) as MemoryFolder, {
        range: (...args: Parameters<MemoryFolder['range']>) =>
          ++reads > 20 ? Promise.reject(new FileError('gone')) : whole.range(...args),
      })
      await expect(SiglipModel.fromPretrained(ending)).rejects.toThrow('gone')
      reads = 0
      expect(await leaked(() => SiglipModel.fromPretrained(ending))).toBe(0)
    })
  })

  it('stops when it is told to, and leaves no tensor', async () => {
    const load = () => {
      const controller = new AbortController()
      const onProgress = ({ loadedBytes }: { loadedBytes: number }) => {
        if (loadedBytes > 10_000) controller.abort()
      }
      return SiglipModel.fromPretrained(folder(), { signal: controller.signal, onProgress })
    }
    await expect(load()).rejects.toThrow(/abort/i)
    expect(await leaked(load)).toBe(0)
  })

  it('counts the bytes to the end', async () => {
    const seen: number[] = []
    let total = 0
    const model = await SiglipModel.fromPretrained(folder(), {
      onProgress: ({ loadedBytes, totalBytes }) => {
        seen.push(loadedBytes)
        total = totalBytes
      },
    })
    expect(seen).toEqual([...seen].sort((a, b) => a - b))
    expect(seen).toHaveLength(model.namedParameters().size)
    expect(seen.at(-1)).toBe(total)
    model.dispose()
  })

  it('is followed by a dispose that leaves nothing', async () => {
    expect(await leaked(async () => (await SiglipModel.fromPretrained(folder())).dispose())).toBe(0)
  })

  it('gives gradients the names of the parameters', async () => {
    const model = await SiglipModel.fromPretrained(
      folder(
        weights((tensors) => {
          tensors.set('vision_model.embeddings.position_ids', { dtype: 'F32', shape: [1], data: new Float32Array(1) })
        }),
      ),
    )
    const suffix = /(_\d+)?$/ // tfjs numbers the names from a program's second model on
    for (const [name, variable] of model.namedParameters()) expect(variable.name.replace(suffix, '')).toBe(name)
    model.dispose()
  })

  describe('one tower', () => {
    it.each([
      ['text', SiglipTextModel],
      ['vision', SiglipVisionModel],
    ] as const)('comes out of a whole checkpoint: %s', async (part, Model) => {
      const tower = await Model.fromPretrained(fixturePath('siglip-tiny'))
      const whole = await SiglipModel.fromPretrained(fixturePath('siglip-tiny'))
      const prefix = `${part}_model.`
      const inWhole = [...whole.namedParameters()].filter(([name]) => name.startsWith(prefix))
      expect([...tower.namedParameters().keys()]).toEqual(inWhole.map(([name]) => name.slice(prefix.length)))
      for (const [name, value] of inWhole) {
        expect(deviation(tower.namedParameters().get(name.slice(prefix.length))!, value)).toBe(0)
      }
      tower.dispose()
      whole.dispose()
    })

    it.each(['with a prefix', 'without a prefix'])('loads from a file of its own %s', async (prefix) => {
      const v4 = bytes('formats', 'vision-v4.safetensors')
      const { tensors } = parseSafetensors(v4)
      const bare = new Map([...tensors].map(([name, tensor]) => [name.replace(/^vision_model\./, ''), tensor]))
      const { vision_config } = decode(bytes('siglip-tiny', 'config.json'))
      const source = folder({
        'config.json': encode(vision_config),
        'model.safetensors':
          prefix === 'with a prefix' ? v4 : Uint8Array.from(Buffer.concat(serializeSafetensors(bare))),
      })
      const model = await SiglipVisionModel.fromPretrained(source)
      const e = readFixture('siglip-tiny', 'expected.safetensors')
      tf.tidy(() => {
        const { poolerOutput } = model.forward({ pixelValues: e.tensor('in.pixel_values') })
        expect(deviation(poolerOutput!, e.tensor('full.vision_model_output.pooler_output'))).toBeLessThan(1e-5)
      })
      model.dispose()
    })

    it('is not a whole model', async () => {
      const source = folder({ 'model.safetensors': bytes('formats', 'vision-v4.safetensors') })
      await expect(SiglipModel.fromPretrained(source)).rejects.toThrow(/missing: logit_scale.*text_model/)
    })
  })

  it('without strict, starts what is missing at random, by the seed', async () => {
    const source = folder({ 'model.safetensors': bytes('formats', 'vision-v4.safetensors') })
    let missing: readonly string[] = []
    const load = (seed: number) =>
      SiglipModel.fromPretrained(source, {
        strict: false,
        seed,
        onLoadingInfo: (info) => {
          missing = info.missingKeys
        },
      })
    const [a, b, c] = [await load(1), await load(1), await load(2)].map((model) => model.namedParameters())
    expect(missing).toContain('text_model.head.weight')
    expect(missing.filter((name) => name.startsWith('vision_model'))).toEqual([])
    const head = 'text_model.head.weight'
    const probe = 'vision_model.head.probe'
    expect(deviation(a!.get(head)!, b!.get(head)!)).toBe(0)
    expect(deviation(a!.get(head)!, c!.get(head)!)).toBeGreaterThan(0.01)
    expect(deviation(a!.get(probe)!, c!.get(probe)!)).toBe(0)
    for (const model of [a, b, c]) tf.dispose([...model!.values()])
  })
})

describe('savePretrained', () => {
  let directory: string
  beforeAll(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'siglip-save-'))
  })
  afterAll(() => rm(directory, { recursive: true }))

  const classes = { SiglipModel, SiglipTextModel, SiglipVisionModel, SiglipForImageClassification }

  it.each(family)('writes what fromPretrained reads: $name', async ({ name, make }) => {
    const model = make()
    const place = path.join(directory, name)
    expect(await leaked(() => model.savePretrained(place))).toBe(0)
    const loaded = await classes[name as keyof typeof classes].fromPretrained(place)
    expect([...loaded.namedParameters().keys()]).toEqual([...model.namedParameters().keys()])
    for (const [key, variable] of model.namedParameters()) {
      expect(Buffer.from(loaded.namedParameters().get(key)!.dataSync().buffer)).toEqual(
        Buffer.from(variable.dataSync().buffer),
      )
    }
    expect(decode(Uint8Array.from(readFileSync(path.join(place, 'config.json'))))).toMatchObject({
      architectures: [name],
      dtype: 'float32',
    })
    model.dispose()
    loaded.dispose()
  })

  it('of a disposed model is refused, and nothing written', async () => {
    const model = family[0]!.make()
    model.dispose()
    const place = path.join(directory, 'disposed')
    await expect(model.savePretrained(place)).rejects.toThrow(/model is disposed/)
    expect(existsSync(place)).toBe(false)
  })

  it('writes whole floats with their point, without which transformers refuses them', async () => {
    const config = new SiglipConfig({ ...tiny, visionConfig: { ...tiny.visionConfig, layerNormEps: 1 } })
    const place = path.join(directory, 'floats')
    await config.savePretrained(place)
    const text = readFileSync(path.join(place, 'config.json'), 'utf8')
    expect(text).toMatch(/^ {2}"initializer_factor": 1\.0,?$/m)
    expect(text).toMatch(/"layer_norm_eps": 1\.0,?$/m)
    expect(text).toMatch(/"attention_dropout": 0\.0,?$/m)
    expect(text).toMatch(/"hidden_size": 12,?$/m)
    expect((await SiglipConfig.fromPretrained(place)).toJSON()).toEqual(config.toJSON())
  })

  it('says the type of the weights that it writes, wherever config.json says one', () => {
    const parts = {
      text_config: { ...new SiglipTextConfig(tiny.textConfig).toJSON(), dtype: 'bfloat16' },
      vision_config: { ...new SiglipVisionConfig(tiny.visionConfig).toJSON(), torch_dtype: 'bfloat16' },
    }
    const model = new SiglipModel(SiglipConfig.fromJSON({ ...parts, torch_dtype: 'bfloat16' }))
    for (const [dtype, name] of [
      [undefined, 'float32'],
      ['F16', 'float16'],
    ] as const) {
      const file = model.toFiles({ dtype }).get('config.json')
      const json = decode(file as Uint8Array)
      expect(JSON.stringify(json)).not.toMatch(/torch_dtype|bfloat16/)
      expect(json).toMatchObject({ dtype: name, text_config: { dtype: name }, vision_config: { dtype: name } })
    }
    model.dispose()
  })

  it('writes a tower of a model under the tower’s own names', async () => {
    const model = new SiglipModel(tiny, { seed: 1 })
    const place = path.join(directory, 'tower')
    await model.visionModel.savePretrained(place)
    const tower = await SiglipVisionModel.fromPretrained(place)
    expect(tower.namedParameters().has('head.probe')).toBe(true)
    model.dispose()
    tower.dispose()
  })
})
