import { readdirSync, readFileSync } from 'node:fs'
import { openWeights } from '../../../converters/formats/open-weights.js'
import type { Weights } from '../../../converters/formats/weights.js'
import { FileError, FormatError, InputError } from '../../../src/errors.js'
import { MemoryFolder } from '../../../src/hub/memory-folder.js'
import { openFolder } from '../../../src/hub/open-folder-node.js'

const sharded = 'test/fixtures/formats/sharded'
const index = 'model.safetensors.index.json'
const fifth = 'model-00005-of-00007.safetensors'
const shardFiles = new Map<string, Uint8Array>(
  readdirSync(sharded).map((name) => [name, readFileSync(`${sharded}/${name}`)]),
)

/** The sharded fixture with files replaced, or removed where undefined is given. */
function shardedWith(changes: Record<string, Uint8Array | string | undefined>): MemoryFolder {
  const files = new Map(shardFiles)
  for (const [name, content] of Object.entries(changes)) {
    if (content === undefined) files.delete(name)
    else files.set(name, Buffer.from(content))
  }
  return new MemoryFolder(files)
}

interface Index {
  metadata: Record<string, unknown>
  weight_map: Record<string, unknown>
}
function indexWith(change: (index: Index) => void): string {
  const parsed = JSON.parse(Buffer.from(shardFiles.get(index)!).toString()) as Index
  change(parsed)
  return JSON.stringify(parsed)
}

async function contentOf(weights: Weights): Promise<Map<string, Buffer>> {
  const content = new Map<string, Buffer>()
  for (const name of [...weights.tensors.keys()].sort())
    content.set(name, Buffer.from((await weights.read(name)).buffer))
  return content
}

test('the shards hold what the single file holds', async () => {
  const single = await openWeights(await openFolder('test/fixtures/siglip-tiny'))
  const shards = await openWeights(await openFolder(sharded))
  expect(new Map([...shards.tensors].sort().map(([name, { shape }]) => [name, shape]))).toEqual(
    new Map([...single.tensors].sort().map(([name, { shape }]) => [name, shape])),
  )
  const [a, b] = await Promise.all([contentOf(single), contentOf(shards)])
  for (const [name, bytes] of a) expect(b.get(name)?.equals(bytes)).toBe(true)
})

test('a file can be named, or found by its variant', async () => {
  const bytes = readFileSync('test/fixtures/formats/model-f16.safetensors')
  const folder = new MemoryFolder(new Map([['model.fp16.safetensors', bytes]]))
  const expected = [...(await openWeights(folder, { file: 'model.fp16.safetensors' })).tensors.keys()]
  expect(expected.length).toBeGreaterThan(50)
  expect([...(await openWeights(folder, { variant: 'fp16' })).tensors.keys()]).toEqual(expected)
  await expect(openWeights(folder)).rejects.toThrow(FileError)
})

test('the one file of weights in a folder may have any name', async () => {
  const archive = readFileSync('test/fixtures/formats/big_vision.npz')
  const alone = new MemoryFolder(new Map([['webli_en_b16.npz', archive]]))
  expect((await openWeights(alone)).tensors.has('params/t')).toBe(true)
  const two = new MemoryFolder(new Map(['a.npz', 'b.npz'].map((name) => [name, archive])))
  await expect(openWeights(two)).rejects.toThrow(/several files of weights.*a\.npz, b\.npz/)
  const chosen = await openFolder('test/fixtures/formats/big_vision.npz')
  expect((await openWeights(chosen)).tensors.has('params/t')).toBe(true)
})

test('a folder without weights is told what would be weights', async () => {
  await expect(openWeights(await openFolder('test/fixtures/tokenizer'))).rejects.toThrow(
    /no weights.*model\.safetensors/,
  )
  await expect(openWeights(new MemoryFolder(new Map()), { file: '../x' })).rejects.toThrow(InputError)
  await expect(openWeights(new MemoryFolder(new Map()), { file: 'x' })).rejects.toThrow(FileError)
})

test('a name that is in no shard is refused', async () => {
  const weights = await openWeights(await openFolder(sharded))
  await expect(weights.read('nothing')).rejects.toThrow(InputError)
  await expect(weights.read('__proto__')).rejects.toThrow(InputError)
})

test('all missing shards are named at once', async () => {
  const folder = shardedWith({ 'model-00002-of-00007.safetensors': undefined, [fifth]: undefined })
  await expect(openWeights(folder)).rejects.toThrow(FileError)
  await expect(openWeights(folder)).rejects.toThrow(/00002.*00005/)
})

test.each<[string, Record<string, string | Uint8Array>, RegExp]>([
  ['no JSON', { [index]: '{' }, /Invalid weight index.*Invalid JSON/],
  ['broken UTF-8', { [index]: Buffer.from([0xff]) }, /Invalid weight index/],
  ['a list', { [index]: '[]' }, /Invalid weight index.*Expected a JSON object/],
  ['no map', { [index]: '{"weight_map":[]}' }, /no "weight_map"/],
  ['an empty map', { [index]: '{"weight_map":{}}' }, /empty/],
  ['a number for a file', { [index]: indexWith((i) => (i.weight_map.logit_bias = 7)) }, /no file.*"logit_bias"/],
  [
    'a file outside',
    { [index]: indexWith((i) => (i.weight_map.logit_bias = '../model.safetensors')) },
    /no file of the folder/,
  ],
  [
    'an absolute file',
    { [index]: indexWith((i) => (i.weight_map.logit_bias = '/etc/passwd')) },
    /no file of the folder/,
  ],
  ['itself for a file', { [index]: indexWith((i) => (i.weight_map.logit_bias = index)) }, /no file of the folder/],
  ['a weight too many', { [index]: indexWith((i) => (i.weight_map.more = fifth)) }, /disagree.*"more".*no such tensor/],
  ['a weight elsewhere', { [index]: indexWith((i) => (i.weight_map.logit_bias = fifth)) }, /disagree.*"logit_bias"/],
  ['a broken shard', { [fifth]: new Uint8Array(100) }, /00005/],
])('an index with %s is refused', async (_, changes, message) => {
  const opened = openWeights(shardedWith(changes))
  await expect(opened).rejects.toThrow(FormatError)
  await expect(opened).rejects.toThrow(message)
})

it('an index may name a wrong total size, as some published ones do', async () => {
  const opened = await openWeights(shardedWith({ [index]: indexWith((i) => (i.metadata.total_size = 1)) }))
  expect(opened.tensors.has('logit_bias')).toBe(true)
})

it('a weight that the index leaves out is found in its file, as transformers finds it', async () => {
  const opened = await openWeights(shardedWith({ [index]: indexWith((i) => delete i.weight_map.logit_bias) }))
  const whole = await openWeights(shardedWith({}))
  expect(await opened.read('logit_bias')).toEqual(await whole.read('logit_bias'))
  expect([...opened.tensors.keys()].sort()).toEqual([...whole.tensors.keys()].sort())
})
