import { type CheckpointFolder, placeOf } from '../../src/hub/checkpoint-folder.js'
import type { ByteSource } from '../../src/io/byte-source.js'

/** A file of a checkpoint folder as a source of bytes. @throws FileError if the file is missing. */
export async function fileSource(
  folder: CheckpointFolder,
  name: string,
): Promise<ByteSource & { readonly name: string }> {
  return {
    name: placeOf(folder, name),
    size: await folder.size(name),
    read: (start, end, room) => folder.range(name, start, end, room),
  }
}
