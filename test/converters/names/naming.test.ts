import { readFileSync } from 'node:fs'
import { asNamed, asTransformers, namingOf, type Naming } from '../../../converters/names/naming.js'
import { openWeights } from '../../../converters/formats/open-weights.js'
import type { Weights } from '../../../converters/formats/weights.js'
import { WeightsError } from '../../../src/errors.js'
import { openFolder } from '../../../src/hub/open-folder-node.js'

const openFixture = async (file: string): Promise<Weights> =>
  openWeights(await openFolder('test/fixtures/formats'), { file })
const tiny = async (): Promise<Weights> => openWeights(await openFolder('test/fixtures/siglip-tiny'))

async function expectSame(found: Weights, expected: Weights): Promise<void> {
  const shapes = (weights: Weights): unknown =>
    Object.fromEntries(
      [...weights.tensors].map(([name, { dtype, shape, byteLength }]) => [name, { dtype, shape, byteLength }]),
    )
  expect(shapes(found)).toEqual(shapes(expected))
  for (const name of expected.tensors.keys()) {
    const [a, b] = [await found.read(name), await expected.read(name)]
    expect([name, Buffer.from(a.buffer).equals(Buffer.from(b.buffer))]).toEqual([name, true])
  }
}

const formats: [string, Naming][] = [
  ['pytorch_model.bin', 'transformers'],
  ['pytorch_model-legacy.bin', 'transformers'],
  ['big_vision.npz', 'big_vision'],
  ['big_vision-scan.npz', 'big_vision'],
  ['open_clip_model.safetensors', 'open_clip'],
]

test.each(formats)('%s holds the weights of transformers to the bit', async (file, naming) => {
  const weights = await openFixture(file)
  expect(namingOf(weights.tensors.keys())).toBe(naming)
  await expectSame(asTransformers(weights), await tiny())
})

test.each([
  ['big_vision.npz', 'big_vision'],
  ['open_clip_model.safetensors', 'open_clip'],
] as const)('the weights of transformers become those of %s to the bit', async (file, naming) => {
  await expectSame(asNamed(await tiny(), naming, { vision: 4, text: 4 }), await openFixture(file))
})

test('the shapes of big_vision are those that it gives its weights', async () => {
  const expected: unknown = JSON.parse(readFileSync('test/fixtures/formats/big_vision-names.json', 'utf8'))
  const named = asNamed(await tiny(), 'big_vision', { vision: 4, text: 4 })
  expect(Object.fromEntries([...named.tensors].map(([name, { shape }]) => [name, shape]))).toEqual(expected)
})

test('an image tower of timm becomes one of transformers, and back', async () => {
  const inOpenClip = await openFixture('open_clip_model.safetensors')
  const inTimm = within(inOpenClip, 'visual.trunk.', '')
  expect(namingOf(inTimm.tensors.keys())).toBe('timm')
  const tower = within(await tiny(), 'vision_model.', 'vision_model.')
  await expectSame(asTransformers(inTimm), tower)
  await expectSame(asNamed(tower, 'timm', { vision: 4, text: 4 }), inTimm)
  await expectSame(asTransformers(asNamed(tower, 'big_vision', { vision: 4, text: 4 })), tower)
})

test('big_vision’s parameters are found without their prefix, and beside an optimizer’s state', async () => {
  const plain = await openFixture('big_vision.npz')
  await expectSame(asTransformers(within(plain, 'params/', '')), await tiny())
  const tensors = new Map([...plain.tensors, ['opt/0/count', { dtype: 'I32', shape: [], byteLength: 4 }] as const])
  await expectSame(asTransformers({ ...plain, tensors }), await tiny())
})

test('a weight that no table knows, or of which a part is missing, keeps its name', async () => {
  const weights = await openFixture('open_clip_model.safetensors')
  const tensors = new Map(weights.tensors)
  tensors.set('text.extra', { dtype: 'F32', shape: [1], byteLength: 4 })
  tensors.delete('visual.trunk.attn_pool.q.weight')
  const named = asTransformers({ ...weights, tensors })
  expect(named.tensors.has('text.extra')).toBe(true)
  expect(named.tensors.has('visual.trunk.attn_pool.kv.weight')).toBe(true)
  expect(named.tensors.has('vision_model.head.attention.in_proj_weight')).toBe(false)
})

test('a part of a renamed weight can be read', async () => {
  const named = asTransformers(await openFixture('big_vision.npz'))
  const name = 'vision_model.head.attention.in_proj_weight'
  expect(await named.read(name, 1000, 1010)).toEqual((await named.read(name)).slice(1000, 1010))
})

test('shapes that are not those of the format are refused', async () => {
  const weights = await openFixture('big_vision.npz')
  const withShape = (name: string, shape: number[]): Weights => ({
    ...weights,
    tensors: new Map([...weights.tensors, [name, { dtype: 'F32', shape, byteLength: 4096 }]]),
  })
  const query = 'params/img/MAPHead_0/MultiHeadDotProductAttention_0/query/kernel'
  expect(() => asTransformers(withShape(query, [1024]))).toThrow(WeightsError)
  expect(() => asTransformers(withShape(query, [16, 4, 8]))).toThrow(/parts of a weight have different shapes/)
  const stack = 'params/img/Transformer/encoderblock/LayerNorm_0/scale'
  expect(() => asTransformers(withShape(stack, [1e9, 0]))).toThrow(WeightsError)
  expect(() => asTransformers(withShape('params/img/pos_embedding', [2, 16, 32]))).toThrow(
    /\[2, 16, 32\].*pos_embedding/,
  )
})

/** The weights whose names begin so, with another beginning. */
function within(weights: Weights, prefix: string, replacement: string): Weights {
  const own = (name: string): string => prefix + name.slice(replacement.length)
  const chosen = [...weights.tensors].filter(([name]) => name.startsWith(prefix))
  return {
    location: weights.location,
    tensors: new Map(chosen.map(([name, info]) => [replacement + name.slice(prefix.length), info])),
    read: (name, begin, end) => weights.read(own(name), begin, end),
  }
}
