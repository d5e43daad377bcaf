import { createHash, randomUUID } from 'node:crypto'
import { mkdir, readFile, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'

import { saveFile } from '../io/save-folder.js'
import { runTool } from './run-tool.js'

/** What makes an object file. */
export interface ObjectSources {
  readonly compiler: string
  readonly flags: readonly string[]
  readonly source: string
  readonly object: string
}

/** What an object file was made from, kept beside it. */
interface ObjectRecord {
  readonly command: string
  /** The paths of its source and of its includes, except the system's headers; and a hash of all these. */
  readonly files: readonly string[]
  readonly hash: string
  /** A hash of the object; earlier versions wrote none. */
  readonly object?: string
}

/** Compiles a file, unless neither it nor what it includes (the system's headers aside), nor the command has changed since. */
export async function compileObject(sources: ObjectSources, signal?: AbortSignal): Promise<void> {
  const { compiler, flags, source, object } = sources
  const command = [compiler, ...flags, source].join(' ')
  const record = `${object}.json`
  if (await isFresh(record, object, command)) return
  await mkdir(dirname(object), { recursive: true })
  // Unique names: another process may compile the same.
  const made = `${object}.${randomUUID()}.part`
  const dependencies = `${made}.d`
  try {
    await runTool(compiler, [...flags, '-MMD', '-MF', dependencies, '-c', source, '-o', made], { signal })
    const files = filesIn(await readFile(dependencies, 'utf8'))
    const written: ObjectRecord = { command, files, hash: await hashOf(files), object: await hashOf([made], '') }
    await rename(made, object)
    await saveFile(record, new TextEncoder().encode(JSON.stringify(written)))
  } finally {
    await rm(made, { force: true })
    await rm(dependencies, { force: true })
  }
}

async function isFresh(record: string, object: string, command: string): Promise<boolean> {
  try {
    const known: unknown = JSON.parse(await readFile(record, 'utf8'))
    if (!isRecord(known) || known.command !== command) return false
    if (known.hash !== (await hashOf(known.files))) return false
    return known.object === undefined || known.object === (await hashOf([object], ''))
  } catch {
    return false // there is none, or a file that it names is gone
  }
}

function isRecord(value: unknown): value is ObjectRecord {
  if (typeof value !== 'object' || value === null) return false
  return 'command' in value && 'hash' in value && 'files' in value && Array.isArray(value.files)
}

/** The files that a rule for `make` names. */
function filesIn(rule: string): string[] {
  const paths =
    rule
      .replace(/^.*?:/, '')
      .replace(/\\\n/g, ' ')
      .match(/(?:\\ |\S)+/g) ?? []
  return [...new Set(paths.map((path) => path.replace(/\\([ #])|\$(\$)/g, '$1$2')))].sort()
}

/** Of the files' contents, and of their names unless all shall have the same. */
async function hashOf(files: readonly string[], name?: string): Promise<string> {
  const hash = createHash('sha256')
  for (const path of files) hash.update(`\0${name ?? path}\0`).update(await readFile(path))
  return hash.digest('hex')
}
