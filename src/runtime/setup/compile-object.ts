import { createHash } from 'node:crypto'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

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
  /** The files of the source's own folder that it includes, and a hash of all. */
  readonly files: readonly string[]
  readonly hash: string
}

/** Compiles a file, unless neither it nor what it includes of its own folder, nor the command has changed since. */
export async function compileObject(sources: ObjectSources, signal?: AbortSignal): Promise<void> {
  const { compiler, flags, source, object } = sources
  const command = [compiler, ...flags, source].join(' ')
  const record = `${object}.json`
  if (await isFresh(record, source, command)) return
  await mkdir(dirname(object), { recursive: true })
  const dependencies = `${object}.d`
  const made = `${object}.part`
  await runTool(compiler, [...flags, '-MMD', '-MF', dependencies, '-c', source, '-o', made], { signal })
  const files = namesIn(await readFile(dependencies, 'utf8'), dirname(source))
  const written: ObjectRecord = { command, files, hash: await hashOf(source, files) }
  await rename(made, object)
  await writeFile(record, JSON.stringify(written))
}

async function isFresh(record: string, source: string, command: string): Promise<boolean> {
  try {
    const known: unknown = JSON.parse(await readFile(record, 'utf8'))
    if (!isRecord(known) || known.command !== command) return false
    return known.hash === (await hashOf(source, known.files))
  } catch {
    return false // there is none, or a file that it names is gone
  }
}

function isRecord(value: unknown): value is ObjectRecord {
  if (typeof value !== 'object' || value === null) return false
  return 'command' in value && 'hash' in value && 'files' in value && Array.isArray(value.files)
}

/** Names of files in `folder` from a rule for `make`. */
function namesIn(rule: string, folder: string): string[] {
  const paths =
    rule
      .replace(/^.*?:/, '')
      .replace(/\\\n/g, ' ')
      .match(/(?:\\ |\S)+/g) ?? []
  const own = paths.map((path) => path.replaceAll('\\ ', ' ')).filter((path) => dirname(path) === folder)
  return [...new Set(own.map((path) => basename(path)))].sort()
}

async function hashOf(source: string, files: readonly string[]): Promise<string> {
  const hash = createHash('sha256')
  for (const name of files) hash.update(`\0${name}\0`).update(await readFile(join(dirname(source), name)))
  return hash.digest('hex')
}
