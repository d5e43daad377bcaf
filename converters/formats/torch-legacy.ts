import { partOf, readRange, type ByteSource } from '../../src/io/byte-source.js'
import { dtypeBits } from './dtypes.js'
import { readPickle } from './pickle.js'
import { damagedTorch, MAX_PICKLE, openStateDict, TorchWorld } from './torch-objects.js'
import type { Weights } from './weights.js'

/**
 * Opens what `torch.save` wrote before version 1.6: pickles, and the storages behind them.
 *
 * @throws FormatError if it is damaged or holds something else than tensors.
 */
export async function openTorchLegacy(source: ByteSource, where: string): Promise<Weights> {
  const { value, keys, end, world } = await readLegacyPickles(source, where)
  const places = new Map<string, ByteSource>()
  let at = end
  for (const key of keys) {
    const storage = world.storages.get(key)
    if (!storage) throw damagedTorch('A storage belongs to nothing', { found: JSON.stringify(key), where })
    const header = await readRange(source, at, at + 8)
    const count = Number(new DataView(header.buffer, header.byteOffset).getBigInt64(0, true))
    if ((count * dtypeBits[storage.dtype]) / 8 !== storage.byteLength || at + 8 + storage.byteLength > source.size) {
      throw damagedTorch('A storage is not what the pickle says', {
        expected: `${storage.byteLength} bytes`,
        found: `${count} elements of ${storage.dtype}, ${source.size - at - 8} bytes before the end of the file`,
        where: `storage ${JSON.stringify(key)} in ${where}`,
      })
    }
    places.set(key, partOf(source, at + 8, storage.byteLength, source.name))
    at += 8 + storage.byteLength
  }
  return openStateDict(value, where, ({ key }) => {
    const place = places.get(key)
    if (place) return place
    throw damagedTorch('A storage is missing', { expected: JSON.stringify(key), where })
  })
}

/** The object and the list of storages: pickles three and four, after a magic number, a version and the machine's properties. */
async function readLegacyPickles(
  source: ByteSource,
  where: string,
): Promise<{ value: unknown; keys: string[]; end: number; world: TorchWorld }> {
  // Where they end is not said: more is read until they are complete.
  for (let size = 2 ** 20; ; size *= 4) {
    const bytes = await readRange(source, 0, Math.min(size, source.size, MAX_PICKLE))
    const world = new TorchWorld(where)
    const values: unknown[] = []
    let end = 0
    for (let i = 0; i < 5; i++) {
      const read = readPickle(bytes, end, world)
      if (!read) break
      values.push(read.value)
      end = read.end
    }
    const [, version, machine, value, keys] = values
    if (values.length === 5) {
      const isLittle = machine instanceof Map && machine.get('little_endian') === true
      if (version === 1001 && isLittle && Array.isArray(keys)) return { value, keys: keys.map(String), end, world }
      throw damagedTorch('The file was not written by torch.save', {
        expected: 'version 1001, little-endian',
        found: String(version),
        where,
      })
    }
    if (bytes.length === source.size || bytes.length === MAX_PICKLE)
      throw damagedTorch('The pickle is truncated', { where })
  }
}
