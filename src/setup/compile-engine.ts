import { randomUUID } from 'node:crypto'
import { rename, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'

import { addonPaths, nativePaths } from '../backend/native-folder.js'
import { type AddonSources, librarySearch, nodeApiHeaders } from './compile-addon.js'
import { compileObject } from './compile-object.js'
import { BINDING_SOURCE, COMPILER_FLAGS, KERNEL_FLAGS, nativeFiles, nativeSources } from './native-sources.js'
import { interrupted, runTool } from './run-tool.js'

/** How many compilers run at once: each takes 0.4 GB. */
const AT_ONCE = 2

/** An engine other than the one that runs: tests compile one for processors that are not there. */
export interface EngineVariant {
  /** Which file is compiled instead of one of `native/`, and with which flags beyond `COMPILER_FLAGS`. */
  readonly instead: Readonly<Record<string, { readonly source: string; readonly flags: readonly string[] }>>
  /** The file that it is written to. */
  readonly engine: string
}

/**
 * Compiles the engine: each set of kernels with the instructions of its processors, everything else for all processors; the
 * engine chooses when it is loaded. What has not changed since the last time is not compiled again.
 *
 * @throws BackendError if the compiler fails.
 */
export async function compileEngine(
  sources: AddonSources,
  signal?: AbortSignal,
  variant?: EngineVariant,
): Promise<void> {
  const { root, addons, libraries, compiler } = sources
  const { headers, objects, libraries: lib } = nativePaths(root)
  const native = nativeSources()
  const files = (await nativeFiles()).filter(
    (name) => name.endsWith('.cc') && name !== BINDING_SOURCE && !name.startsWith('wasm/'),
  )
  const flags = [...COMPILER_FLAGS, `-I${native}`, `-I${nodeApiHeaders()}`, `-I${headers}`]
  const compile = async (name: string) => {
    const instead = variant?.instead[name]
    const { source, flags: wanted } = instead ?? { source: join(native, name), flags: KERNEL_FLAGS[name] ?? [] }
    const own = await knownFlags(compiler, wanted, signal)
    const object = join(objects, `${instead ? basename(source) : name.replaceAll('/', '-')}.o`)
    await compileObject({ compiler, flags: [...flags, ...own], source, object }, signal)
    return object
  }
  // Kernels take longest: first.
  const ordered = files.sort((a, b) => Number(b.startsWith('kernels/')) - Number(a.startsWith('kernels/')))
  const made = await severalAtOnce(ordered, compile)
  const to = variant?.engine ?? addonPaths(addons).engine
  const part = `${to}.${randomUUID()}.part`
  const libraryFiles = libraries.map((library) => join(lib, library))
  try {
    await runTool(compiler, ['-shared', ...made, ...libraryFiles, ...librarySearch(), '-o', part], { signal })
    await rename(part, to)
  } finally {
    await rm(part, { force: true })
  }
}

/** The flags, or none if the compiler does not take them, being too old or for another processor. */
async function knownFlags(
  compiler: string,
  flags: readonly string[],
  signal?: AbortSignal,
): Promise<readonly string[]> {
  if (flags.length === 0) return flags
  try {
    await runTool(compiler, [...flags, '-fsyntax-only', '-x', 'c++', '/dev/null'], { signal })
    return flags
  } catch {
    if (signal?.aborted) throw interrupted()
    return []
  }
}

/** Waits for all that have begun, even if one fails: none is left running. */
async function severalAtOnce<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  const waiting = [...items]
  const worker = async () => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) results.push(await work(item))
  }
  const ended = await Promise.allSettled(Array.from({ length: AT_ONCE }, worker))
  for (const end of ended) if (end.status === 'rejected') throw end.reason
  return results
}
