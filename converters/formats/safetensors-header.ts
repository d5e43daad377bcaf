import { FormatError, type ErrorDetail } from '../../src/errors.js'
import { byteLength as bytesOf, dtypeBits, isDtype, isShape, type Dtype } from './dtypes.js'

/** The most that a header may take, as in the Rust implementation: 100 MB. */
export const MAX_HEADER = 100_000_000

/** A tensor in a file. */
export interface TensorInfo {
  readonly dtype: Dtype
  readonly shape: readonly number[]
  /** Where its bytes begin in the file. */
  readonly byteOffset: number
  readonly byteLength: number
}

/** A file's header. */
export interface SafetensorsHeader {
  readonly tensors: ReadonlyMap<string, TensorInfo>
  /** Texts that its writer put there, e.g. `{ format: 'pt' }`. */
  readonly metadata: Readonly<Record<string, string>>
}

/**
 * Where the header ends and the data begin.
 *
 * @param start the first 8 bytes of the file, or all of a shorter one.
 * @param size of the file in bytes.
 */
export function headerEnd(start: Uint8Array, size: number, where: string): number {
  if (start.length < 8) {
    throw damaged('The file is too short', { expected: 'at least 8 bytes', found: `${start.length} bytes`, where })
  }
  if (new TextDecoder().decode(start.subarray(0, 8)) === 'version ') {
    throw new FormatError('The file is a Git LFS pointer, not the weights', {
      where,
      hint: 'Fetch them with "git lfs pull".',
    })
  }
  const length = new DataView(start.buffer, start.byteOffset).getBigUint64(0, true)
  const most = Math.min(MAX_HEADER, size - 8)
  if (length > most) {
    throw damaged('The header is too long', {
      expected: `at most ${most} bytes`,
      found: `${length.toString()} bytes`,
      where,
    })
  }
  return 8 + Number(length)
}

/**
 * Reads and validates a header: every rule of the format holds for the result, so that each tensor is within the file,
 * fits its shape, and shares no byte with another.
 *
 * @param bytes the header without the 8 bytes of its length.
 * @param size of the file in bytes.
 */
export function parseHeader(bytes: Uint8Array, size: number, where: string): SafetensorsHeader {
  const json = decode(bytes, where)
  const entries = parseObject(json, where)
  const repeated = repeatedKey(json)
  if (repeated !== undefined) throw damaged('The header names something twice', { found: show(repeated), where })

  const dataBegin = 8 + bytes.length
  const tensors = new Map<string, TensorInfo>()
  let metadata: Readonly<Record<string, string>> = {}
  for (const [name, entry] of entries) {
    if (name === '__metadata__') metadata = parseMetadata(entry, where)
    else tensors.set(name, parseTensor(entry, dataBegin, `tensor ${show(name)} in ${where}`))
  }
  checkCoverage(tensors, dataBegin, size, where)
  return { tensors, metadata }
}

function decode(bytes: Uint8Array, where: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (cause) {
    throw damaged('The header is not UTF-8', { where, cause })
  }
}

function parseObject(json: string, where: string): [string, unknown][] {
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch (cause) {
    throw damaged('The header is not JSON', { expected: 'an object', found: show(json), where, cause })
  }
  if (isRecord(value) && json.startsWith('{')) return Object.entries(value)
  throw damaged('The header is not a JSON object', { expected: '{…}', found: show(json), where })
}

function parseMetadata(entry: unknown, where: string): Readonly<Record<string, string>> {
  if (entry === null) return {}
  const texts = isRecord(entry) ? Object.entries(entry) : undefined
  if (texts?.every((pair): pair is [string, string] => typeof pair[1] === 'string')) return Object.fromEntries(texts)
  throw damaged('The metadata are not texts', { expected: 'an object of strings', found: show(entry), where })
}

function parseTensor(entry: unknown, dataBegin: number, where: string): TensorInfo {
  const { dtype, shape, data_offsets: offsets } = isRecord(entry) ? entry : {}
  if (!isDtype(dtype)) {
    throw damaged('Unknown element type', { expected: Object.keys(dtypeBits).join(', '), found: show(dtype), where })
  }
  if (!isShape(shape)) {
    throw damaged('The shape is not a list of sizes', { expected: 'whole numbers', found: show(shape), where })
  }
  if (!isShape(offsets) || offsets.length !== 2) {
    throw damaged('The place of the data is not given', { expected: '[begin, end]', found: show(offsets), where })
  }
  const [begin = 0, end = 0] = offsets
  const expected = bytesOf(dtype, shape)
  if (end - begin !== expected) {
    const bytes = Number.isSafeInteger(expected) ? `${expected} bytes` : 'a size that fills bytes and a number'
    throw damaged('The shape does not fit the data', {
      expected: `${bytes} for ${dtype} ${show(shape)}`,
      found: `${end - begin} bytes`,
      where,
    })
  }
  return { dtype, shape, byteOffset: dataBegin + begin, byteLength: expected }
}

/** Every byte after the header belongs to exactly one tensor. */
function checkCoverage(tensors: ReadonlyMap<string, TensorInfo>, dataBegin: number, size: number, where: string): void {
  let reached = dataBegin
  const byPlace = [...tensors].sort(([, a], [, b]) => a.byteOffset - b.byteOffset || a.byteLength - b.byteLength)
  for (const [name, { byteOffset, byteLength }] of byPlace) {
    if (byteOffset !== reached) {
      throw damaged(byteOffset < reached ? 'Tensors overlap' : 'Bytes belong to no tensor', {
        expected: `data from byte ${reached - dataBegin}`,
        found: `from ${byteOffset - dataBegin}`,
        where: `tensor ${show(name)} in ${where}`,
      })
    }
    reached += byteLength
  }
  if (reached !== size) {
    throw damaged(reached > size ? 'The file is truncated' : 'Bytes follow the last tensor', {
      expected: `${reached} bytes`,
      found: `${size} bytes`,
      where,
    })
  }
}

/** A key that one of the objects in a valid JSON text has twice, where `JSON.parse` silently takes the last. */
function repeatedKey(json: string): string | undefined {
  const open: Set<string>[] = []
  let text = '' // the last string seen, with its quotes
  for (let i = 0; i < json.length; i++) {
    const char = json[i]
    if (char === '{') open.push(new Set())
    else if (char === '}') open.pop()
    else if (char === '"') {
      const begin = i++
      while (json[i] !== '"') i += json[i] === '\\' ? 2 : 1
      text = json.slice(begin, i + 1)
    } else if (char === ':') {
      const key = String(JSON.parse(text))
      const keys = open.at(-1)
      if (keys?.has(key)) return key
      keys?.add(key)
    }
  }
  return undefined
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A value for a message, however large or deep it is. */
function show(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (isShape(value) && value.length <= 8) return `[${value.join(', ')}]`
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'a list' : 'an object'
  return JSON.stringify(typeof value === 'string' && value.length > 120 ? `${value.slice(0, 120)}…` : value)
}

function damaged(summary: string, detail: ErrorDetail): FormatError {
  return new FormatError(summary, {
    hint: 'The file is damaged or not a safetensors file: fetch or write it again.',
    ...detail,
  })
}
