import { openShards } from '../../../converters/formats/sharded-weights.js'
import type { WeightInfo } from '../../../converters/formats/weights.js'
import { FileError } from '../../../src/errors.js'
import { MemoryFolder } from '../../../src/hub/memory-folder.js'

const info: WeightInfo = { dtype: 'F32', shape: [1], byteLength: 4 }

function folderOf(count: number, shardOf: (i: number) => string, shards: readonly string[]): MemoryFolder {
  const weightMap = Object.fromEntries(Array.from({ length: count }, (_, i) => [`t${i}`, shardOf(i)]))
  const index = new TextEncoder().encode(JSON.stringify({ weight_map: weightMap }))
  return new MemoryFolder(new Map([['index.json', index], ...shards.map((name) => [name, index] as const)]))
}

it('an index of 200,000 tensors is opened', async () => {
  const folder = folderOf(200_000, (i) => `${i % 2}.bin`, ['0.bin', '1.bin'])
  const open = (name: string) => {
    const own = Array.from({ length: 100_000 }, (_, i): [string, WeightInfo] => [`t${2 * i + Number(name[0])}`, info])
    return Promise.resolve({ location: name, tensors: new Map(own), read: () => Promise.resolve(new Float32Array(1)) })
  }
  const weights = await openShards(folder, 'index.json', open)
  expect(weights.tensors.size).toBe(200_000)
})

it('many missing shards are counted, and the first are named', async () => {
  const opened = openShards(
    folderOf(50_000, (i) => `${i}.bin`, []),
    'index.json',
    () => Promise.reject(new Error('never')),
  )
  await expect(opened).rejects.toThrow(FileError)
  await expect(opened).rejects.toThrow(/expected 0\.bin, 1\.bin, .* and 49990 more/)
})
