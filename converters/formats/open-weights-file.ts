import { FormatError } from '../../src/errors.js'
import type { CheckpointFolder } from '../../src/hub/checkpoint-folder.js'
import { readRange, type ByteSource } from '../../src/io/byte-source.js'
import { fileSource } from './file-source.js'
import { isNpy, openNpz } from './npy.js'
import { openSafetensors } from './safetensors.js'
import { storedWeights } from './stored-tensor.js'
import { openTorchLegacy } from './torch-legacy.js'
import { isTorchPickle, openTorchZip } from './torch-zip.js'
import type { Weights } from './weights.js'
import { openZip } from '../../src/io/zip.js'
import { latin1 } from '../../src/io/latin1.js'

/** What files begin with that are often found beside weights, or taken for them. */
const known: readonly { readonly start: string; readonly is: string; readonly hint: string }[] = [
  {
    start: 'version https://git-lfs',
    is: 'a Git LFS pointer, not the weights',
    hint: 'Fetch them with "git lfs pull".',
  },
  { start: '<', is: 'a web page', hint: 'Fetch the file itself: on the hub its address has /resolve/, not /blob/.' },
  { start: '\x89HDF', is: 'an HDF5 file of Keras', hint: 'Look for model.safetensors of the same model.' },
  { start: 'GGUF', is: 'a GGUF file', hint: 'Look for model.safetensors of the same model.' },
  {
    start: '\x08',
    is: 'an ONNX file',
    hint: 'Its weights are in model.safetensors of the repository that it was exported from.',
  },
  { start: '\x93NUMPY', is: 'a single array', hint: 'Weights of numpy are an .npz file, with a name for each array.' },
  { start: '\x89PNG', is: 'an image (PNG)', hint: 'Give a folder or file of weights.' },
  { start: '\xff\xd8\xff', is: 'an image (JPEG)', hint: 'Give a folder or file of weights.' },
  { start: '\x80', is: 'a pickle that torch.save did not write', hint: 'Save the weights as safetensors.' },
]
const legacyTorch = '\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.'

/**
 * Opens a file of weights, known by its content: safetensors, what `torch.save` writes (zip archives and the older pickles), or an
 * `.npz` archive of numpy.
 *
 * @param name in the folder, whatever its ending.
 * @throws FileError if the file is missing; FormatError if it is damaged or of another format, naming the format if it is known.
 */
export async function openWeightsFile(folder: CheckpointFolder, name: string): Promise<Weights> {
  const source = await fileSource(folder, name)
  const start = await readRange(source, 0, Math.min(32, source.size))
  const text = latin1(start)
  if (text.startsWith('PK\x03\x04') || text.startsWith('PK\x05\x06')) return openArchive(source, source.name)
  if (text.startsWith(legacyTorch)) return openTorchLegacy(source, source.name)
  const other = known.find((format) => text.startsWith(format.start))
  const isSafetensors = start[8] === 0x7b // the {, after the header's length, whose bytes may be any
  if (other && (!isSafetensors || isNpy(start))) {
    throw new FormatError(`The file is ${other.is}`, {
      expected: 'safetensors, a file of torch.save, or an .npz archive',
      where: source.name,
      hint: other.hint,
    })
  }
  const file = await openSafetensors(source)
  const tensors = [...file.tensors].map(([tensor, info]) => [tensor, { ...info, source }] as const)
  return storedWeights(source.name, new Map(tensors))
}

async function openArchive(source: ByteSource, where: string): Promise<Weights> {
  const files = await openZip(source)
  const names = [...files.keys()]
  if (names.some(isTorchPickle)) return openTorchZip(files, where)
  if (names.length > 0 && names.every((name) => name.endsWith('.npy'))) return openNpz(files, where)
  throw new FormatError('The archive holds no weights', {
    expected: 'data.pkl of torch.save, or .npy arrays only',
    found: names.slice(0, 5).join(', ') || 'nothing',
    where,
  })
}
