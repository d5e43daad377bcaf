import { randomBytes } from 'node:crypto'
import { copyFile, mkdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { checkFileName } from '../io/file-name.js'

/** Whether a revision is a commit, which never changes. */
export function isCommit(revision: string): boolean {
  return /^[0-9a-f]{40}$/.test(revision)
}

/**
 * A model's place in the cache of Python's huggingface_hub, so that each finds what the other has fetched:
 *
 *     models--owner--name/
 *       blobs/<hash>                 the contents, each once, under the hash that the hub gives as their etag
 *       snapshots/<commit>/<file>    relative links to them
 *       refs/<branch or tag>         the commit it stood at
 *       .no_exist/<commit>/<file>    empty: the commit has no such file
 *     .locks/models--owner--name/    which process downloads a blob
 */
export class ModelCache {
  readonly folder: string

  constructor(
    private readonly cacheDir: string,
    private readonly model: string,
  ) {
    this.folder = path.join(cacheDir, this.folderName)
  }

  blob(etag: string): string {
    return path.join(this.folder, 'blobs', etag)
  }

  snapshot(commit: string): string {
    return path.join(this.folder, 'snapshots', commit)
  }

  /** Python locks this file while it downloads a blob. */
  lock(etag: string): string {
    return path.join(this.cacheDir, '.locks', this.folderName, `${etag}.lock`)
  }

  /** The commit that a branch or tag stood at when it was last asked for. */
  async readRef(revision: string): Promise<string | undefined> {
    const commit = await readFile(this.ref(revision), 'utf8').catch(() => '')
    return isCommit(commit.trim()) ? commit.trim() : undefined
  }

  async writeRef(revision: string, commit: string): Promise<void> {
    if (revision === commit || (await this.readRef(revision)) === commit) return
    const ref = this.ref(revision)
    const partial = this.partial()
    await mkdir(path.dirname(ref), { recursive: true })
    await writeFile(partial, commit)
    await rename(partial, ref)
  }

  /** Whether the commit is known to have no such file. */
  async isMissing(commit: string, name: string): Promise<boolean> {
    return exists(this.noExist(commit, name))
  }

  async markMissing(commit: string, name: string): Promise<void> {
    const file = this.noExist(commit, name)
    await mkdir(path.dirname(file), { recursive: true })
    await writeFile(file, '')
  }

  /**
   * Gives a blob its name in a snapshot. Where the disk knows no links (Windows without the right to make them) or
   * `HF_HUB_DISABLE_SYMLINKS` is set, the blob itself moves there, if nothing else can refer to it yet, or else a copy.
   */
  async link(etag: string, commit: string, name: string, isNew: boolean): Promise<void> {
    const blob = this.blob(etag)
    const file = path.join(this.snapshot(commit), checkFileName(name))
    const partial = this.partial()
    await mkdir(path.dirname(file), { recursive: true })
    try {
      if (await linked(path.relative(path.dirname(file), blob), partial)) await rename(partial, file)
      else if (isNew) await rename(blob, file)
      else {
        await copyFile(blob, partial)
        await rename(partial, file)
      }
    } finally {
      await rm(partial, { force: true })
    }
  }

  /** Where a file is written before it is moved into place: not beside it, where it would count as a branch or a file of the model. */
  private partial(): string {
    return path.join(this.folder, `.${randomBytes(4).toString('hex')}.tmp`)
  }

  private get folderName(): string {
    return ['models', ...this.model.split('/')].join('--')
  }

  private ref(revision: string): string {
    return path.join(this.folder, 'refs', checkFileName(revision))
  }

  private noExist(commit: string, name: string): string {
    return path.join(this.folder, '.no_exist', commit, checkFileName(name))
  }
}

async function linked(target: string, file: string): Promise<boolean> {
  if (/^(1|on|yes|true)$/i.test(process.env['HF_HUB_DISABLE_SYMLINKS'] ?? '')) return false
  return symlink(target, file).then(
    () => true,
    () => false,
  )
}

/** Whether there is something at a path, or at what it links to. */
export async function exists(file: string): Promise<boolean> {
  return (await stat(file).catch(() => undefined)) !== undefined
}
