import { zipSync } from 'fflate'
import { openWeightsFile } from '../../../converters/formats/open-weights-file.js'
import { FileError, FormatError } from '../../../src/errors.js'
import { MemoryFolder } from '../../../src/hub/memory-folder.js'

test.each<[string, string | Uint8Array, RegExp]>([
  ['an ONNX file', '\x08\x08\x12\x07pytorch\x1a\x052.1.0', /an ONNX file.*model\.safetensors of the repository/],
  ['a Git LFS pointer', 'version https://git-lfs.github.com/spec/v1\noid sha256:12', /Git LFS pointer.*git lfs pull/],
  ['a web page', '<!DOCTYPE html><html>', /a web page.*\/resolve\//],
  ['a Keras file', '\x89HDF\r\n\x1a\n', /HDF5/],
  ['a GGUF file', 'GGUF\x03\0\0\0', /GGUF/],
  ['a single array', '\x93NUMPY\x01\0v\0{}', /a single array.*\.npz/],
  ['a pickle', '\x80\x04\x95\0\0\0\0\0\0\0\0.', /a pickle/],
  ['a PNG', '\x89PNG\r\n\x1a\n\0\0\0\rIHDR', /The file is an image \(PNG\)/],
  ['a JPEG', '\xff\xd8\xff\xe0\0\x10JFIF\0', /The file is an image \(JPEG\)/],
  ['nothing', '', /too short/],
  ['text', 'hello, world. this is no weights file.', /header is too long/],
  ['an archive of texts', zipSync({ 'a.txt': new Uint8Array(1) }), /archive holds no weights.*a\.txt/],
  ['an empty archive', zipSync({}), /archive holds no weights.*nothing/],
  ['an archive that is cut off', zipSync({ 'a.npy': new Uint8Array(100) }).subarray(0, 100), /zip archive is damaged/],
])('%s is told what it is', async (_, content, message) => {
  const bytes = typeof content === 'string' ? Buffer.from(content, 'latin1') : content
  const opened = openWeightsFile(new MemoryFolder(new Map([['model.safetensors', bytes]])), 'model.safetensors')
  await expect(opened).rejects.toThrow(FormatError)
  await expect(opened).rejects.toThrow(message)
})

test('a missing file is one', async () => {
  await expect(openWeightsFile(new MemoryFolder(new Map()), 'x')).rejects.toThrow(FileError)
})
