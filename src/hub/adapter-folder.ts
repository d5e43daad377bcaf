import { ConfigError, SiglipError } from '../errors.js'
import type { CheckpointFolder } from './checkpoint-folder.js'
import { ADAPTER_CONFIG, IMAGE_PROCESSOR_FILES, TOKENIZER_FILES, VOCABULARY_FILES } from './model-files.js'
import { readJsonObject } from './read-json.js'

/**
 * A peft adapter's folder as a checkpoint folder: its own files, and those of the base model that its configuration names. The base
 * is opened when something of it is first asked for, so that the adapter's own files are there without it.
 */
export class AdapterFolder implements CheckpointFolder {
  private opened: Promise<CheckpointFolder> | undefined

  /**
   * @param adapter the folder with `adapter_config.json`.
   * @param open opens the folder of a base model by its name, at a revision if the configuration has one.
   */
  constructor(
    readonly adapter: CheckpointFolder,
    private readonly open: (base: string, revision: string | undefined) => Promise<CheckpointFolder>,
  ) {}

  get location(): string {
    return this.adapter.location
  }

  get weightsFile(): string | undefined {
    return undefined
  }

  /** The names of the base model's files. */
  async names(): Promise<readonly string[]> {
    return (await (await this.base()).names?.()) ?? []
  }

  async has(name: string): Promise<boolean> {
    return (await this.holder(name)).has(name)
  }

  async bytes(name: string): Promise<Uint8Array<ArrayBuffer>> {
    return (await this.holder(name)).bytes(name)
  }

  async size(name: string): Promise<number> {
    return (await this.holder(name)).size(name)
  }

  async range(name: string, start: number, end: number, room?: number): Promise<Uint8Array<ArrayBuffer>> {
    return (await this.holder(name)).range(name, start, end, room)
  }

  /**
   * The base model's folder.
   *
   * @throws ConfigError if the configuration names none, or the one that it names can't be opened.
   */
  base(): Promise<CheckpointFolder> {
    this.opened ??= this.openBase()
    this.opened.catch(() => (this.opened = undefined)) // the next call tries again
    return this.opened
  }

  /** The folder that a file is read from: a tokenizer and an image processor that were saved with the adapter are its own. */
  private async holder(name: string): Promise<CheckpointFolder> {
    if (/^adapter_(config|model)\./.test(name)) return this.adapter
    const group = TOKENIZER_FILES.includes(name)
      ? VOCABULARY_FILES
      : IMAGE_PROCESSOR_FILES.includes(name)
        ? IMAGE_PROCESSOR_FILES
        : []
    for (const each of name === 'config.json' ? [name] : group) if (await this.adapter.has(each)) return this.adapter
    return this.base()
  }

  private async openBase(): Promise<CheckpointFolder> {
    const where = `${this.location}/${ADAPTER_CONFIG}`
    const { base_model_name_or_path: name, revision } = await readJsonObject(this.adapter, ADAPTER_CONFIG)
    const hint =
      'Load the base model, and put the adapter on it with loadLora; or name the base as base_model_name_or_path there.'
    if (typeof name !== 'string' || name === '') {
      throw new ConfigError('The folder holds an adapter, and does not name its base model', {
        expected: 'base_model_name_or_path',
        found: JSON.stringify(name ?? null),
        where,
        hint,
      })
    }
    try {
      return await this.open(name, typeof revision === 'string' ? revision : undefined)
    } catch (cause) {
      if (!(cause instanceof SiglipError)) throw cause
      throw new ConfigError('The base model of an adapter can’t be opened', {
        expected: `the model ${JSON.stringify(name)}`,
        found: cause.message,
        where,
        hint,
        cause,
      })
    }
  }
}

/** Of a folder that can't be opened with its base, as in a browser. @throws ConfigError if it is an adapter's */
export async function refuseAdapterAlone(folder: CheckpointFolder): Promise<void> {
  if (folder.adapter || !(await folder.has(ADAPTER_CONFIG))) return
  throw new ConfigError('The folder holds an adapter, and no whole model', {
    expected: 'the files of a model',
    found: ADAPTER_CONFIG,
    where: folder.location,
    hint: 'Load the base model, and put the adapter on it with loadLora.',
  })
}
