import { jsonFile } from '../../../converters/configs/json-file.js'
import { ConfigError } from '../../../src/errors.js'
import { MemoryFolder } from '../../../src/hub/memory-folder.js'
import { readJsonObject } from '../../../src/hub/read-json.js'

const read = (text: string) =>
  readJsonObject(new MemoryFolder(new Map([['config.json', new TextEncoder().encode(text)]])), 'config.json')

// As Python's json.loads reads them.
it.each([
  ['{"a": NaN, "b": [Infinity, -Infinity]}', { a: NaN, b: [Infinity, -Infinity] }],
  ['{"a": NaN, "b": "NaN, \\" Infinity, \\\\", "-Infinity": 1}', { a: NaN, b: 'NaN, " Infinity, \\', '-Infinity': 1 }],
])('%s is read as Python reads it', async (text, expected) => {
  expect(await read(text)).toEqual(expected)
})

it.each(['{"a": NaNs}', '{"a": nan}', '{"a": NaN', '{"a": NaN, "b": "\\'])('%s is refused', async (text) => {
  await expect(read(text)).rejects.toThrow(ConfigError)
})

it('a text of quotes that never ends is refused in time', async () => {
  await expect(read(`{"a": NaN, "${'\\"'.repeat(2 ** 20)}`)).rejects.toThrow(ConfigError)
})

it('whole floats have their point, and classes of their names have none', () => {
  const config = {
    initializer_factor: 1,
    text_config: { layer_norm_eps: 0, hidden_size: 2 },
    label2id: { layer_norm_eps: 2, attention_dropout: 3 },
    attention_dropout: 0.5,
  }
  const text = new TextDecoder().decode(jsonFile(config))
  expect(JSON.parse(text)).toEqual(config)
  expect(text.match(/[a-z0-9_]+": [\d.]+/g)).toEqual([
    'initializer_factor": 1.0',
    'layer_norm_eps": 0.0',
    'hidden_size": 2',
    'layer_norm_eps": 2',
    'attention_dropout": 3',
    'attention_dropout": 0.5',
  ])
})

it('numbers that JSON lacks are written as they are read', async () => {
  const json = { a: NaN, b: [Infinity, -Infinity], layer_norm_eps: 1 }
  const text = new TextDecoder().decode(jsonFile(json))
  expect(text.replace(/\s/g, '')).toBe('{"a":NaN,"b":[Infinity,-Infinity],"layer_norm_eps":1.0}')
  expect(await read(text)).toEqual(json)
})

it('what is read again alone is written', async () => {
  const names = (count: number) => ({
    id2label: Object.fromEntries(Array.from({ length: count }, (_, i) => [i, 'x'.repeat(100)])),
  })
  const many = names(200_000)
  expect(await read(new TextDecoder().decode(jsonFile(many)))).toEqual(many)
  expect(() => jsonFile(names(900_000))).toThrow(ConfigError)
  expect(() => jsonFile(names(900_000))).toThrow(/at most 100000000 bytes, found 1\d{8}/)
})
