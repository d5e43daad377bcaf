import { FileError } from '../errors.js'

/** Throws `FileError` unless `start` to `end` is within a file of `size` bytes; called before memory is allocated. */
export function checkRange(start: number, end: number, size: number, where: string): void {
  const inside = Number.isSafeInteger(start) && Number.isSafeInteger(end) && start >= 0 && start <= end && end <= size
  if (inside) return
  throw new FileError('The file is shorter than the bytes asked for', {
    expected: `at least ${end} bytes (from ${start})`,
    found: `${size} bytes`,
    where,
    hint: 'It may be truncated: download it again.',
  })
}

/** Memory for `length` bytes of the file `where`, or a `FileError` if the machine has no such block. */
export function allocate(
  length: number,
  where: string,
  make = (): Uint8Array<ArrayBuffer> => new Uint8Array(length),
): Uint8Array<ArrayBuffer> {
  try {
    return make()
  } catch (cause) {
    throw new FileError(`Cannot allocate ${length} bytes`, {
      where,
      hint: 'Split the file into shards, or give the process more memory.',
      cause,
    })
  }
}
