import { open } from 'node:fs/promises'
import { addAbortSignal } from 'node:stream'
import { text } from 'node:stream/consumers'
import { FileError } from '../errors.js'
import { errorCode } from '../io/system-error.js'
import { STDIN } from './find-images.js'

/** The lines of a file, or of stdin, without their ends; empty ones too, so that the n-th is line n. @throws {FileError} */
export async function readLines(file: string, signal: AbortSignal): Promise<string[]> {
  const content = await read(file, signal)
  const lines = content.replace(/^\ufeff/, '').split(/\r?\n/)
  if (lines.at(-1) === '') lines.pop()
  return lines
}

async function read(file: string, signal: AbortSignal): Promise<string> {
  try {
    if (file === STDIN) return await text(addAbortSignal(signal, process.stdin))
    const handle = await open(file)
    return await text(handle.createReadStream({ signal }))
  } catch (cause) {
    const found = errorCode(cause)
    const hint = 'Check the path and its permissions.'
    throw new FileError('The texts can’t be read', { expected: 'a text file', found, where: file, hint, cause })
  }
}
