import type { CheckpointFolder } from '../../src/hub/checkpoint-folder.js'
import type { ByteSource } from '../../src/io/byte-source.js'

/** Path or URL of a file in a folder, for messages. */
export function placeOf(folder: CheckpointFolder, name: string): string {
  return `${folder.location.replace(/\/$/, '')}/${name}`
}

/** A file of a checkpoint folder as a source of bytes. @throws FileError if there is no such file. */
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
