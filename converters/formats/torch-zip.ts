import { readRange, type ByteSource } from '../../src/io/byte-source.js'
import { readPickle } from './pickle.js'
import { damagedTorch, MAX_PICKLE, openStateDict, TorchWorld } from './torch-objects.js'
import type { Weights } from './weights.js'

/**
 * Opens what `torch.save` writes since version 1.6: a zip archive of a pickle and the storages.
 *
 * @param files of the archive.
 * @throws FormatError if it is damaged or holds something else than tensors.
 */
export async function openTorchZip(files: ReadonlyMap<string, ByteSource>, where: string): Promise<Weights> {
  const [pickleName = '', pickle] = [...files].find(([name]) => isTorchPickle(name)) ?? []
  const prefix = pickleName.slice(0, -'data.pkl'.length)
  const byteOrder = files.get(`${prefix}byteorder`)
  if (byteOrder && new TextDecoder().decode(await readRange(byteOrder, 0, Math.min(byteOrder.size, 10))) === 'big') {
    throw damagedTorch('The numbers are in big-endian order', {
      where,
      hint: 'Save them on a usual machine, or as safetensors.',
    })
  }
  if (!pickle || pickle.size > MAX_PICKLE)
    throw damagedTorch('The pickle is too large', { found: `${pickle?.size} bytes`, where })
  const read = readPickle(await readRange(pickle, 0, pickle.size), 0, new TorchWorld(where))
  if (!read) throw damagedTorch('The pickle is truncated', { where })
  return openStateDict(read.value, where, (storage) => {
    const source = files.get(`${prefix}data/${storage.key}`)
    if (source?.size === storage.byteLength) return source
    throw damagedTorch('A storage is not what the pickle says', {
      expected: `${storage.byteLength} bytes`,
      found: source ? `${source.size} bytes` : 'no such file in the archive',
      where: `storage ${JSON.stringify(storage.key)} in ${where}`,
    })
  })
}

/** Whether a file in a zip archive is the pickle that `torch.save` puts there. */
export function isTorchPickle(name: string): boolean {
  return /^([^/]+\/)?data\.pkl$/.test(name)
}
