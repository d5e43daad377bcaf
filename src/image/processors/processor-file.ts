import { openFolder } from '#open-folder'
import { ConfigError, FileError } from '../../errors.js'
import { isObject } from '../../io/is-object.js'
import { refuseAdapterAlone } from '../../hub/adapter-folder.js'
import type { CheckpointFolder } from '../../hub/checkpoint-folder.js'
import { OPEN_CLIP_CONFIG } from '../../hub/model-files.js'
import { foreignSettings } from './foreign-settings.js'
import { snakeCase } from '../../io/field-reader.js'
import { readJsonObject } from '../../hub/read-json.js'

/** Values by name, not yet checked. */
export type Options = Readonly<Record<string, unknown>>

/** The image processors there are, as `image_processor_type` names them, without the `Fast` or `Pil` of their variants. */
const types = ['SiglipImageProcessor', 'Siglip2ImageProcessor'] as const
export type ImageProcessorType = (typeof types)[number]

/** An image processor's settings in a checkpoint folder. */
export interface ProcessorFile {
  readonly type: ImageProcessorType
  /** As in the file. */
  readonly options: Options
  readonly folder: CheckpointFolder
  /** Their file, for messages. */
  readonly where: string
}

/**
 * Reads `image_processor` of `processor_config.json` (transformers 5), or else `preprocessor_config.json`, or else what open_clip or
 * timm say of images.
 *
 * @param expected the expected processor; settings that name none match it.
 * @throws FileError if there is neither; ConfigError if it can't be understood, or is for another processor.
 */
export async function readProcessorFile(
  source: string | URL | CheckpointFolder,
  expected?: ImageProcessorType,
): Promise<ProcessorFile> {
  const folder = await openFolder(source)
  const { object: options, where } = await findSettings(folder)
  const stated = options['image_processor_type'] ?? expected ?? options['feature_extractor_type'] // the last in older files
  const named = stated ?? (await typeOfModel(folder))
  const type = types.find((name) => name === plainName(named))
  if (type && (expected === undefined || type === expected)) return { type, options, folder, where }
  throw new ConfigError('These are the settings of another image processor', {
    expected: expected ?? types.join(' or '),
    found: JSON.stringify(named),
    where: stated === undefined ? `${folder.location}/config.json` : where,
    hint: type ? `Use ${type}, or AutoImageProcessor.` : 'This package has the image processors of SigLIP.',
  })
}

/** The image processor that `config.json` names, or else the one of its model. */
async function typeOfModel(folder: CheckpointFolder): Promise<unknown> {
  const { image_processor_type: named, model_type: model } = await readIfThere(folder, 'config.json')
  if (named !== undefined && named !== null) return named
  return typeof model === 'string' && model.startsWith('siglip2') ? 'Siglip2ImageProcessor' : 'SiglipImageProcessor'
}

/** An image processor's name without what its variants and older versions of transformers add to it. */
function plainName(name: unknown): unknown {
  return typeof name === 'string'
    ? name.replace(/FeatureExtractor$/, 'ImageProcessor').replace(/(Fast|Pil)$/, '')
    : name
}

async function findSettings(folder: CheckpointFolder): Promise<{ object: Options; where: string }> {
  if (await folder.has('processor_config.json')) {
    const { image_processor: nested } = await readJsonObject(folder, 'processor_config.json')
    if (isObject(nested)) return { object: nested, where: `${folder.location}/processor_config.json` }
  }
  if (await folder.has('preprocessor_config.json')) {
    const object = await readJsonObject(folder, 'preprocessor_config.json')
    return { object, where: `${folder.location}/preprocessor_config.json` }
  }
  const openClip = await readIfThere(folder, OPEN_CLIP_CONFIG)
  const foreign = foreignSettings(openClip, await readIfThere(folder, 'config.json'), folder.location)
  if (foreign) return { object: foreign, where: folder.location }
  await refuseAdapterAlone(folder)
  throw new FileError('The folder has no image processor', {
    expected: 'preprocessor_config.json, or processor_config.json with image_processor',
    found: 'neither',
    where: folder.location,
    hint: 'Fetch the processor files of the checkpoint as well.',
  })
}

/**
 * The file that `readProcessorFile` reads back. The arithmetic is a choice of the program, and isn't written.
 *
 * @param extra what the class has no use for, in the spelling it came in.
 */
export function processorFile(type: ImageProcessorType, options: Options, extra: Options): Map<string, Uint8Array> {
  const settings = { ...extra, ...snakeCased({ ...options, backend: undefined }), image_processor_type: type }
  const text = JSON.stringify(settings, null, 2)
  return new Map([['preprocessor_config.json', new TextEncoder().encode(`${text}\n`)]])
}

/** The settings of a file that a processor doesn't know, in their own spelling. */
export function extraKeys({ options }: ProcessorFile, known: object): Options {
  const isKnown = new Set([...Object.keys(known).map(snakeCase), 'image_processor_type'])
  return Object.fromEntries(Object.entries(options).filter(([key]) => !isKnown.has(key)))
}

async function readIfThere(folder: CheckpointFolder, name: string): Promise<Options> {
  return (await folder.has(name)) ? readJsonObject(folder, name) : {}
}

/** The keys as files spell them, also those of the sizes inside. */
function snakeCased(options: Options): Options {
  return Object.fromEntries(
    Object.entries(options).map(([key, value]) => [snakeCase(key), isObject(value) ? snakeCased(value) : value]),
  )
}
