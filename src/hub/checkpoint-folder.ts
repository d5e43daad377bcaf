/** Where a checkpoint is: a folder's path or URL, a model's name on the hub, or a folder that is open already. */
export type CheckpointSource = string | URL | CheckpointFolder

/**
 * A checkpoint folder, wherever it is: on disk, behind a URL, or in memory. Whatever is loaded (`config.json`, weights,
 * vocabularies) is read through this interface, so that loading is the same code in Node and in browsers.
 */
export interface CheckpointFolder {
  /** Its path or URL, for messages. */
  readonly location: string
  /** The file of weights that is meant, where the source named it. */
  readonly weightsFile?: string | undefined
  /** The folder of a peft adapter that belongs on the weights, where this is the base model's together with it. */
  readonly adapter?: CheckpointFolder | undefined
  /** Whether the folder holds a file of that name; `name` is relative, with `/` between parts. */
  has(name: string): Promise<boolean>
  /** The whole file. Throws `FileError` if it is missing or unreadable. */
  bytes(name: string): Promise<Uint8Array<ArrayBuffer>>
  /** The file's size in bytes. */
  size(name: string): Promise<number>
  /**
   * The bytes from `start` up to `end`, not including it, in a new buffer.
   *
   * @param room bytes of the buffer, the end of which they fill: for a reader that keeps it and needs the space before them. A folder
   * may leave no space.
   */
  range(name: string, start: number, end: number, room?: number): Promise<Uint8Array<ArrayBuffer>>
  /** The names of its files, where they can be listed. */
  names?(): Promise<readonly string[]>
}

/** Path or URL of a file in a folder, for messages. */
export function placeOf(folder: CheckpointFolder, name: string): string {
  return `${folder.location.replace(/\/$/, '')}/${name}`
}
