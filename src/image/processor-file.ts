import { openFolder } from '#open-folder'
import { ConfigError, FileError } from '../errors.js'
import type { CheckpointFolder } from '../hub/checkpoint-folder.js'

/** Values by name, not yet checked. */
export type Options = Readonly<Record<string, unknown>>

/** An image processor's settings in a checkpoint folder, their keys in camel case, and the file they stand in. */
export interface ProcessorFile {
  readonly options: Options
  readonly where: string
}

const MAX_FILE_BYTES = 2 ** 20

/**
 * Reads `image_processor` of `processor_config.json` (transformers 5), or else `preprocessor_config.json`.
 *
 * @throws FileError if there is neither; ConfigError if it can't be understood.
 */
export async function readProcessorFile(source: string | URL | CheckpointFolder): Promise<ProcessorFile> {
  const folder = typeof source === 'string' || source instanceof URL ? await openFolder(source) : source
  if (await folder.has('processor_config.json')) {
    const { image_processor: nested } = await readJson(folder, 'processor_config.json')
    if (isObject(nested)) return { options: camelCased(nested), where: `${folder.location}/processor_config.json` }
  }
  if (await folder.has('preprocessor_config.json')) {
    const options = camelCased(await readJson(folder, 'preprocessor_config.json'))
    return { options, where: `${folder.location}/preprocessor_config.json` }
  }
  throw new FileError('No image processor in this folder', {
    expected: 'preprocessor_config.json, or processor_config.json with image_processor',
    found: 'neither',
    where: folder.location,
    hint: 'Fetch the processor files of the checkpoint as well.',
  })
}

/** The file that `readProcessorFile` reads back. */
export function processorFile(options: Options): Map<string, Uint8Array> {
  const text = JSON.stringify(snakeCased(options), null, 2)
  return new Map([['preprocessor_config.json', new TextEncoder().encode(`${text}\n`)]])
}

async function readJson(folder: CheckpointFolder, name: string): Promise<Options> {
  const where = `${folder.location}/${name}`
  const size = await folder.size(name)
  if (size > MAX_FILE_BYTES) {
    throw new ConfigError('The file is too large for a configuration', {
      expected: `at most ${MAX_FILE_BYTES} bytes`,
      found: String(size),
      where,
    })
  }
  const bytes = await folder.bytes(name)
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (cause) {
    throw new ConfigError('Not JSON', { found: cause instanceof Error ? cause.message : 'other text', where, cause })
  }
  if (isObject(value)) return value
  throw new ConfigError('Not a configuration', {
    expected: 'an object',
    found: JSON.stringify(value).slice(0, 60),
    where,
  })
}

function isObject(value: unknown): value is Options {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The keys as TypeScript spells them, also those of the sizes inside. */
function camelCased(object: Options): Options {
  return renamed(object, (key) => key.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase()))
}

function snakeCased(object: Options): Options {
  return renamed(object, (key) => key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`))
}

function renamed(object: Options, rename: (key: string) => string): Options {
  return Object.fromEntries(
    Object.entries(object).map(([key, value]) => [rename(key), isObject(value) ? renamed(value, rename) : value]),
  )
}
