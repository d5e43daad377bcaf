import { readdirSync, readFileSync } from 'node:fs'
import { isSavedWeightFile, isWeightFile, weightFiles } from '../../../converters/formats/weight-files.js'
import { openWeights } from '../../../converters/formats/open-weights.js'
import type { FileContent } from '../../../src/io/save-folder.js'
import { InputError } from '../../../src/errors.js'
import { MemoryFolder } from '../../../src/hub/memory-folder.js'
import { openFolder } from '../../../src/hub/open-folder-node.js'

async function written(files: ReadonlyMap<string, FileContent>): Promise<Map<string, Buffer>> {
  const all = new Map<string, Buffer>()
  for (const [name, content] of files) {
    const pieces = []
    for await (const piece of typeof content === 'function' ? content() : [content]) pieces.push(piece)
    all.set(name, Buffer.concat(pieces))
  }
  return all
}

const tiny = async (): ReturnType<typeof openWeights> => openWeights(await openFolder('test/fixtures/siglip-tiny'))

test('one file equals the one that transformers wrote', async () => {
  const files = await written(weightFiles(await tiny()))
  expect([...files.keys()]).toEqual(['model.safetensors'])
  expect(files.get('model.safetensors')?.equals(readFileSync('test/fixtures/siglip-tiny/model.safetensors'))).toBe(true)
})

test('shards and index equal those that transformers wrote', async () => {
  const folder = 'test/fixtures/formats/sharded'
  const shards = await openWeights(await openFolder(folder))
  const files = await written(
    weightFiles({ ...shards, tensors: inModelOrder(shards.tensors) }, { maxShardSize: '40KB' }),
  )
  const names = readdirSync(folder).filter((name) => name !== 'config.json')
  expect([...files.keys()].sort()).toEqual(names)
  for (const name of names)
    expect([name, files.get(name)?.equals(readFileSync(`${folder}/${name}`))]).toEqual([name, true])
})

test.each([
  ['F16', 'model-f16'],
  ['BF16', 'model-bf16'],
] as const)('weights rounded to %s equal those that torch rounded', async (dtype, name) => {
  const files = await written(weightFiles(await tiny(), { dtype }))
  expect(files.get('model.safetensors')?.equals(readFileSync(`test/fixtures/formats/${name}.safetensors`))).toBe(true)
})

test('without a type asked for, every weight keeps its own', async () => {
  const folder = await openFolder('test/fixtures/formats')
  const files = await written(weightFiles(await openWeights(folder, { file: 'model-bf16.safetensors' })))
  expect(files.get('model.safetensors')?.equals(readFileSync('test/fixtures/formats/model-bf16.safetensors'))).toBe(
    true,
  )
})

test.each([1, 1000, 12_345, '20KB', '0.05MB', 1e9] as const)(
  'shards of at most %s open as what they were',
  async (maxShardSize) => {
    const weights = await tiny()
    const again = await openWeights(new MemoryFolder(await written(weightFiles(weights, { maxShardSize }))))
    expect([...again.tensors.keys()].sort()).toEqual([...weights.tensors.keys()].sort())
    for (const name of weights.tensors.keys()) {
      expect(Buffer.from((await again.read(name)).buffer).equals(Buffer.from((await weights.read(name)).buffer))).toBe(
        true,
      )
    }
  },
)

test('what is no size is refused', async () => {
  const weights = await tiny()
  for (const maxShardSize of [0, -1, NaN, Infinity, '5 bananas', '-5GB'] as number[]) {
    expect(() => weightFiles(weights, { maxShardSize })).toThrow(InputError)
  }
})

test('an index of shards that would not be read again is refused', () => {
  const name = 'x'.repeat(1000)
  const tensors = new Map(
    Array.from({ length: 100_000 }, (_, i) => [`${name}${i}`, { dtype: 'F32' as const, shape: [4] }]),
  )
  const weights = { tensors, read: () => Promise.resolve(new Float32Array(4)) }
  expect(() => weightFiles(weights, { maxShardSize: 800_000 })).toThrow(
    /index of the shards is too large.*100000 weights/,
  )
})

test('weight files of an earlier save are known by their names', () => {
  const weights = [
    'model.safetensors',
    'model-00001-of-00002.safetensors',
    'model.safetensors.index.json',
    'pytorch_model.bin',
  ]
  for (const name of weights) expect(isWeightFile(name)).toBe(true)
  for (const name of ['config.json', 'my-model.safetensors', 'model.fp16.safetensors'])
    expect(isWeightFile(name)).toBe(false)
})

test('a new save takes the place of nothing that only others write', () => {
  const saved = ['model.safetensors', 'model-00001-of-00002.safetensors', 'model.safetensors.index.json']
  for (const name of saved) expect(isSavedWeightFile(name)).toBe(true)
  for (const name of ['pytorch_model.bin', 'pytorch_model.bin.index.json', 'model.bin', 'model.npz', 'my.safetensors'])
    expect(isSavedWeightFile(name)).toBe(false)
})

/** Sorts weights as torch lists the modules that they belong to: transformers splits them in that order. */
function inModelOrder<T>(tensors: ReadonlyMap<string, T>): Map<string, T> {
  const order = (
    'logit_scale logit_bias text_model vision_model embeddings token_embedding patch_embedding position_embedding encoder ' +
    'layers 0 1 2 layer_norm1 self_attn final_layer_norm post_layernorm head probe attention k_proj v_proj q_proj ' +
    'in_proj_weight in_proj_bias out_proj layernorm layer_norm2 mlp fc1 fc2 weight bias'
  ).split(' ')
  const rank = (name: string): string =>
    name
      .split('.')
      .map((part) => String(order.indexOf(part)).padStart(2, '0'))
      .join()
  return new Map([...tensors].sort(([a], [b]) => (rank(a) < rank(b) ? -1 : 1)))
}
