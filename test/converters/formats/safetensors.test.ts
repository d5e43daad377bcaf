import { openAsBlob, readFileSync } from 'node:fs'
import { FormatError, InputError } from '../../../src/errors.js'
import {
  openSafetensors,
  parseSafetensors,
  serializeSafetensors,
  toFloat32,
  type ByteSource,
  type TensorData,
} from '../../../converters/formats/safetensors.js'

const files = [
  'converters/dtypes',
  'converters/no-tensors',
  'converters/rounding',
  'formats/model-f16',
  'formats/model-bf16',
  'formats/vision-v4',
  'formats/open_clip_model',
  'formats/sharded/model-00004-of-00007',
  'siglip-tiny/model',
  'siglip-tiny/expected',
  'siglip-tiny/adamw-10-steps',
  'siglip2-naflex-tiny/expected',
  'classifier-multi/expected',
  'images/siglip-processor-32',
].map((name) => `test/fixtures/${name}.safetensors`)

function sourceOf(bytes: Uint8Array, ranges: [number, number][] = []): ByteSource {
  return {
    size: bytes.length,
    read: (start, end) => {
      ranges.push([start, end])
      return Promise.resolve(Uint8Array.from(bytes.subarray(start, end)))
    },
  }
}

/** Whether two arrays are of one type and equal to the bit: jest's own comparison takes seconds for these. */
function same(a: TensorData, b: TensorData): boolean {
  const bytes = (array: TensorData): Buffer => Buffer.from(array.buffer, array.byteOffset, array.byteLength)
  return a.constructor === b.constructor && bytes(a).equals(bytes(b))
}

test.each(files)('%s is written again byte for byte as Python wrote it', (path) => {
  const bytes = readFileSync(path)
  const { tensors, metadata } = parseSafetensors(bytes)
  const keys = Object.keys(metadata)
  const again = Buffer.concat(serializeSafetensors(tensors, metadata))
  // Python writes several metadata in random order: there only the length can be compared.
  if (keys.length < 2) expect(again.equals(bytes)).toBe(true)
  else expect(again).toHaveLength(bytes.length)
})

test.each(files)('%s is read alike from memory, in ranges and from a Blob', async (path) => {
  const bytes = readFileSync(path)
  const whole = parseSafetensors(bytes)
  for (const source of [sourceOf(bytes), await openAsBlob(path)]) {
    const file = await openSafetensors(source)
    expect([...file.tensors.keys()]).toEqual([...whole.tensors.keys()])
    expect(file.metadata).toEqual(whole.metadata)
    for (const [name, { dtype, shape, data }] of whole.tensors) {
      expect(file.tensors.get(name)).toMatchObject({ dtype, shape })
      expect(same(await file.read(name), data)).toBe(true)
    }
  }
})

test('the float16 and bfloat16 fixtures hold the float32 weights, rounded', async () => {
  const exact = await openSafetensors(await openAsBlob('test/fixtures/siglip-tiny/model.safetensors'))
  for (const [name, unit] of [
    ['model-f16', 2 ** -11],
    ['model-bf16', 2 ** -8],
  ] as const) {
    const rounded = await openSafetensors(await openAsBlob(`test/fixtures/formats/${name}.safetensors`))
    for (const tensor of exact.tensors.keys()) {
      const a = await exact.readFloat32(tensor)
      const b = await rounded.readFloat32(tensor)
      expect(a.every((x, i) => Math.abs(x - b[i]!) <= Math.abs(x) * unit + 2 ** -25)).toBe(true)
    }
  }
})

test.each([
  ['F64', Float64Array.from({ length: 2.5 * 2 ** 22 }, (_, i) => i), 3],
  ['F16', Uint16Array.from({ length: 2.5 * 2 ** 16 }, (_, i) => i % 0x7c00), 1],
] as const)('of %s only its own bytes are read, the wide ones in blocks', async (dtype, data, reads) => {
  const pieces = serializeSafetensors(
    new Map([
      ['converted', { dtype, shape: [data.length], data }],
      ['other', { dtype: 'F32', shape: [1], data: new Float32Array(1) }],
    ]),
  )
  const ranges: [number, number][] = []
  const file = await openSafetensors(sourceOf(Buffer.concat(pieces), ranges))
  ranges.length = 0
  const floats = await file.readFloat32('converted')
  expect(same(floats, toFloat32(dtype, new Uint8Array(data.buffer)))).toBe(true)
  const { byteOffset, byteLength } = file.tensors.get('converted')!
  expect(ranges).toHaveLength(reads)
  expect(ranges.at(0)?.[0]).toBe(byteOffset)
  expect(ranges.at(-1)?.[1]).toBe(byteOffset + byteLength)
  expect(ranges.slice(1).map(([from]) => from)).toEqual(ranges.slice(0, -1).map(([, to]) => to))
})

test('what is read belongs to the reader', () => {
  const bytes = new Uint8Array(readFileSync('test/fixtures/siglip-tiny/model.safetensors'))
  const before = bytes.slice()
  for (const { data } of parseSafetensors(bytes).tensors.values()) data.fill(0 as never)
  expect(same(bytes, before)).toBe(true)
})

test('an unknown name is told with the nearest', async () => {
  const file = await openSafetensors(await openAsBlob('test/fixtures/siglip-tiny/model.safetensors'))
  await expect(file.read('logit_scal')).rejects.toThrow(/Tensor not found.*Did you mean "logit_scale"\?/)
  await expect(file.read('__proto__')).rejects.toThrow(InputError)
})

test('a source that ends early is told', async () => {
  const bytes = readFileSync('test/fixtures/siglip-tiny/model.safetensors')
  const file = await openSafetensors({ ...sourceOf(bytes.subarray(0, -1)), size: bytes.length })
  await expect(file.read([...file.tensors.keys()].at(-1)!)).rejects.toThrow(FormatError)
})

test('a file of 200,000 tensors is written and read', () => {
  const value = { dtype: 'U8', shape: [1], data: Uint8Array.of(7) } as const
  const tensors = new Map(Array.from({ length: 200_000 }, (_, i) => [`t${i}`, value]))
  const again = parseSafetensors(Buffer.concat(serializeSafetensors(tensors)), 'many').tensors
  expect(again.size).toBe(200_000)
  expect(again.get('t199999')?.data).toEqual(Uint8Array.of(7))
})
