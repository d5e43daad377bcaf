import { readFileSync } from 'node:fs'
import type { FileContent } from '../../../src/io/save-folder.js'
import { InputError } from '../../../src/errors.js'
import { npzFile } from '../../../converters/formats/npz-file.js'
import { openWeights } from '../../../converters/formats/open-weights.js'
import { MemoryFolder } from '../../../src/hub/memory-folder.js'
import { openFolder } from '../../../src/hub/open-folder-node.js'

async function written(content: FileContent): Promise<Buffer> {
  const pieces = []
  for await (const piece of typeof content === 'function' ? content() : [content]) pieces.push(piece)
  return Buffer.concat(pieces)
}

test('an archive is byte for byte the one that numpy writes', async () => {
  const weights = await openWeights(await openFolder('test/fixtures/converters'), { file: 'c-order.npz' })
  const expected = readFileSync('test/fixtures/converters/c-order.npz')
  expect((await written(npzFile(weights))).equals(expected)).toBe(true)
})

test.each(['F64', 'F16', 'BF16'] as const)('weights of type %s are read back as they were', async (dtype) => {
  const values = Float32Array.of(1, -0.5, 0, -0, Infinity, 3.140625)
  const weights = {
    tensors: new Map([
      ['å', { dtype, shape: [2, 3] }],
      ['number', { dtype, shape: [] }],
    ]),
    read: (name: string) => Promise.resolve(name === 'å' ? values : Float32Array.of(7)),
  }
  const again = await openWeights(new MemoryFolder(new Map([['a.npz', await written(npzFile(weights))]])), {
    file: 'a.npz',
  })
  expect([...again.tensors].map(([name, { shape, dtype }]) => [name, dtype, shape])).toEqual([
    ['å', dtype, [2, 3]],
    ['number', dtype, []],
  ])
  expect([...(await again.read('å'))]).toEqual([...values])
  expect([...(await again.read('number'))]).toEqual([7])
})

test('an archive of more entries than 16 bits count is read back', async () => {
  const tensors = new Map(Array.from({ length: 70_000 }, (_, i) => [`t${i}`, { dtype: 'F32', shape: [] } as const]))
  const weights = { tensors, read: () => Promise.resolve(Float32Array.of(7)) }
  const folder = new MemoryFolder(new Map([['a.npz', await written(npzFile(weights))]]))
  const again = await openWeights(folder, { file: 'a.npz' })
  expect(again.tensors.size).toBe(70_000)
  expect([...(await again.read('t69999'))]).toEqual([7])
})

test('more weights than are read again are refused before any is read', () => {
  const name = 'x'.repeat(60_000)
  const tensors = new Map(
    Array.from({ length: 1100 }, (_, i) => [`${name}${i}`, { dtype: 'F32' as const, shape: [1] }]),
  )
  const read = jest.fn()
  expect(() => npzFile({ tensors, read })).toThrow(InputError)
  expect(() => npzFile({ tensors, read })).toThrow(/1100 weights/)
  expect(read).not.toHaveBeenCalled()
})
