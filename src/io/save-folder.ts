import {
  access,
  chmod,
  constants,
  copyFile,
  link,
  mkdir,
  open,
  readdir,
  rename,
  rm,
  stat,
  symlink,
} from 'node:fs/promises'
import { readlink, realpath } from 'node:fs/promises'
import path from 'node:path'
import { FileError } from '../errors.js'
import { checkFileName } from './file-name.js'
import { withProcessLock } from './process-lock.js'
import { clearInterruptedSaves, savingPath } from './interrupted-save.js'
import { makeFolder } from './make-folder.js'
import { systemErrorCode } from './system-error.js'

/** What a file shall hold: its bytes, or what makes them piece by piece when it is written. */
export type FileContent = Uint8Array | (() => Iterable<Uint8Array> | AsyncIterable<Uint8Array>)

/** What becomes of the files that a folder holds already. */
export interface SaveOptions {
  readonly replaces?: (name: string) => boolean
  readonly check?: (folder: string) => Promise<void>
}

/**
 * Writes files into a folder, all or none: they are written beside it, brought to the disk, and put in place as a whole, so that a
 * process that is killed at any moment leaves the old folder or the new one. Other files in the folder stay.
 *
 * A folder that can't be replaced as a whole (the working directory, the root of a disk, a parent that is not writable) gets the
 * finished files one by one, each of them whole.
 *
 * @param files what to write, by name, with `/` between the parts.
 * @param options.replaces whether an old file of this name gives way too; those of the new names always do.
 * @param options.check looks at the folder as it is before anything is written, and throws if it must stay so.
 * @throws FileError if something can't be written; the folder is as before.
 */
export async function saveFolder(
  directory: string,
  files: ReadonlyMap<string, FileContent>,
  { replaces = () => false, check }: SaveOptions = {},
): Promise<void> {
  for (const name of files.keys()) checkFileName(name)
  const givesWay = (name: string): boolean => files.has(name) || replaces(name)
  let partial: string | undefined
  try {
    const target = await destination(directory)
    if (check && (await stat(target).catch(() => undefined))) await check(target)
    const asWhole = await canBeReplaced(target)
    const beside = asWhole ? target : path.join(target, 'save')
    await clearInterruptedSaves(beside)
    partial = savingPath(beside, 'partial')
    await mkdir(partial)
    for (const [name, content] of files) await write(path.join(partial, name), content)
    if (asWhole) {
      const finished = partial
      await withProcessLock(lockOf(target), async () => {
        // Two saves into one folder at once: the second takes over what the first has written.
        await keepOthers(target, finished, givesWay)
        await sync(finished)
        await replaceFolder(target, finished)
      })
    } else {
      for (const name of files.keys()) await moveFile(path.join(partial, name), path.join(target, name))
      for (const name of await readdir(target))
        if (givesWay(name) && !files.has(name)) await rm(path.join(target, name))
    }
    await sync(path.dirname(target))
  } catch (error) {
    throw fileError(error, directory)
  } finally {
    if (partial !== undefined) await rm(partial, { recursive: true, force: true })
  }
}

/** Writes one file, as a whole or not at all. @throws FileError if it can't be written; an older one is as before. */
export async function saveFile(file: string, content: FileContent): Promise<void> {
  const target = path.resolve(file)
  const partial = savingPath(target, 'partial')
  try {
    await clearInterruptedSaves(target)
    await write(partial, content)
    await rename(partial, target)
    await sync(path.dirname(target))
  } catch (error) {
    throw fileError(error, file)
  } finally {
    await rm(partial, { force: true }).catch(() => undefined) // where it can't be, there is none to remove
  }
}

/**
 * Writes a file and another one that says what is in it. Both are written beside their places before either takes its place, and an
 * older companion goes first: a process that is killed leaves the old pair, the new one, or a file without a companion; never one with
 * that of another file.
 *
 * @throws FileError if one can't be written; while neither has taken its place, the older ones are as before.
 */
export async function savePair(
  file: string,
  content: FileContent,
  companion: string,
  companionContent: FileContent,
): Promise<void> {
  const targets = [path.resolve(file), path.resolve(companion)] as const
  const [partial, partialCompanion] = [savingPath(targets[0], 'partial'), savingPath(targets[1], 'partial')]
  try {
    for (const target of targets) await clearInterruptedSaves(target)
    await write(partial, content)
    await write(partialCompanion, companionContent)
    await rm(targets[1], { force: true })
    await rename(partial, targets[0])
    await rename(partialCompanion, targets[1])
    await sync(path.dirname(targets[0]))
  } catch (error) {
    throw fileError(error, file)
  } finally {
    for (const left of [partial, partialCompanion]) await rm(left, { force: true }).catch(() => undefined)
  }
}

/** The lock that a process holds while it puts a file or folder in its place. */
export function lockOf(target: string): string {
  const { dir, base } = path.parse(path.resolve(target))
  return path.join(dir, `.${base}.lock`)
}

/** The real place of a folder, whose parent exists from here on. */
async function destination(directory: string): Promise<string> {
  const absolute = path.resolve(directory)
  const target = await realpath(absolute).catch(() => absolute)
  await makeFolder(path.dirname(target))
  const found = await stat(target).catch(() => undefined)
  if (found === undefined || found.isDirectory()) return target
  throw new FileError('The path is not a folder', { expected: 'a folder to save to', found: 'a file', where: target })
}

async function canBeReplaced(target: string): Promise<boolean> {
  const parent = path.dirname(target)
  const found = await stat(target).catch(() => undefined)
  if (found === undefined) return true
  if (parent === target || `${process.cwd()}${path.sep}`.startsWith(`${target}${path.sep}`)) return false
  if ((await stat(parent)).dev !== found.dev) return false
  return access(parent, constants.W_OK).then(
    () => true,
    () => false,
  )
}

async function write(file: string, content: FileContent): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true })
  const handle = await open(file, 'wx')
  try {
    for await (const piece of typeof content === 'function' ? content() : [content]) await handle.writeFile(piece)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Gives the new folder the old one's other files and its permissions. Files are linked: no bytes are copied. */
async function keepOthers(from: string, to: string, givesWay: (name: string) => boolean, within = ''): Promise<void> {
  const found = await stat(from).catch(() => undefined)
  if (found === undefined) return
  await mkdir(to, { recursive: true })
  await chmod(to, found.mode)
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const name = within + entry.name
    const [source, copy] = [path.join(from, entry.name), path.join(to, entry.name)]
    if (givesWay(name)) continue
    if (entry.isDirectory()) await keepOthers(source, copy, givesWay, `${name}/`)
    else if (entry.isSymbolicLink()) await symlink(await readlink(source), copy)
    else await link(source, copy).catch(() => copyFile(source, copy)) // some disks know no links
  }
}

async function replaceFolder(target: string, partial: string): Promise<void> {
  try {
    await rename(partial, target) // enough if there is none, or an empty one
    return
  } catch (error) {
    if ((await stat(target).catch(() => undefined)) === undefined) throw error
  }
  const replaced = savingPath(target, 'replaced')
  await rename(target, replaced)
  try {
    await rename(partial, target)
  } catch (error) {
    await rename(replaced, target)
    throw error
  }
  await rm(replaced, { recursive: true, force: true })
}

async function moveFile(from: string, to: string): Promise<void> {
  await mkdir(path.dirname(to), { recursive: true })
  await rename(from, to)
}

/** Brings the names in a folder to the disk, where the system can. */
async function sync(folder: string): Promise<void> {
  const handle = await open(folder).catch(() => undefined)
  await handle?.sync().catch(() => undefined) // Windows does not sync folders
  await handle?.close()
}

function fileError(error: unknown, where: string): unknown {
  const found = systemErrorCode(error)
  if (found === undefined) return error
  const hint = found === 'ENOSPC' ? 'Free space on the disk.' : 'Check the path and its permissions.'
  return new FileError('Can’t be written', { found, where, hint, cause: error })
}
