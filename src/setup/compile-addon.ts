import { existsSync } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

import { messageOf } from '../io/system-error.js'
import { saveFile } from '../io/save-folder.js'
import { BackendError } from '../errors.js'
import { addonPaths, nativePaths } from '../backend/native-folder.js'
import { BINDING_SOURCE, COMPILER_FLAGS, nativeSources } from './native-sources.js'
import { QUIET_SOURCE } from './quiet-source.js'
import { interrupted, runTool } from './run-tool.js'

/** What the addon is compiled from. */
export interface AddonSources {
  /** The root being built, with the libraries in its `lib/`, the headers in `headers/`. */
  readonly root: string
  /** The folder inside the root that the addons go to. */
  readonly addons: string
  readonly libraries: readonly [library: string, framework: string]
  /** The command of the C++ compiler, as `findCompiler` gives it. */
  readonly compiler: string
}

/**
 * The system's C++ compiler: `$CXX`, `g++`, `clang++` or `c++`.
 *
 * @throws BackendError if none runs.
 */
export async function findCompiler(signal?: AbortSignal): Promise<string> {
  const failures: string[] = []
  for (const compiler of process.env['CXX'] ? [process.env['CXX']] : ['g++', 'clang++', 'c++']) {
    try {
      await runTool(compiler, ['--version'], { signal })
      return compiler
    } catch (error) {
      if (signal?.aborted) throw interrupted()
      failures.push(messageOf(error))
    }
  }
  throw new BackendError('No C++ compiler works here', {
    found: failures.join('; '),
    hint: 'Install g++ or clang++ with C++17, or set CXX.',
  })
}

/**
 * Compiles tfjs-node's two binding files, and what the engine needs of them, against TensorFlow's C library. The addon speaks the
 * stable Node-API, so one build serves every version of Node, and it looks for the libraries from its own place, so the root can be
 * moved.
 *
 * @returns the command line, for the record.
 * @throws BackendError if the compiler fails.
 */
export async function compileAddon(sources: AddonSources, signal?: AbortSignal): Promise<string> {
  const { root, addons, libraries, compiler } = sources
  const { tfjsNode, headers, libraries: lib } = nativePaths(root)
  const { addon, quiet } = addonPaths(addons)
  const binding = join(tfjsNode, 'binding')
  await makeThreadSafe(join(binding, 'tfjs_backend.cc'))
  const shared = [...COMPILER_FLAGS, '-shared', `-I${nodeApiHeaders()}`]
  await mkdir(addons, { recursive: true })
  const args = [
    ...shared,
    `-I${binding}`,
    `-I${nativeSources()}`,
    `-I${headers}`,
    join(nativeSources(), BINDING_SOURCE),
    ...libraries.map((library) => join(lib, library)),
    ...librarySearch(),
    '-o',
    addon,
  ]
  await runTool(compiler, args, { signal })
  const quietSource = join(addons, 'quiet.cc')
  await writeFile(quietSource, QUIET_SOURCE)
  await runTool(
    compiler,
    [...shared, `-DFRAMEWORK="../lib/${libraries[1]}"`, quietSource, ...librarySearch(), '-ldl', '-o', quiet],
    { signal },
  )
  await rm(quietSource)
  return [compiler, ...args].join(' ')
}

/**
 * For the linker: libraries are in `lib` beside the addon's folder, and Node-API's functions are in the program that loads it. The
 * older kind of path is asked for, which goes before `LD_LIBRARY_PATH`: an empty entry there means the working folder.
 */
export function librarySearch(): readonly string[] {
  return process.platform === 'darwin'
    ? ['-Wl,-rpath,@loader_path/../lib', '-undefined', 'dynamic_lookup']
    : ['-Wl,-rpath,$ORIGIN/../lib', '-Wl,--disable-new-dtags']
}

/** The binding keeps attribute names in one set for the whole process; worker threads would write it at the same time. */
async function makeThreadSafe(path: string): Promise<void> {
  const source = await readFile(path, 'utf8')
  const shared = 'static std::set<std::string> ATTR_NAME_SET;'
  if (source.includes(shared.replace('static', 'static thread_local'))) return
  if (!source.includes(shared)) throw new BackendError('The binding is not the one expected', { where: path })
  const safe = source.replace(shared, shared.replace('static', 'static thread_local'))
  await saveFile(path, new TextEncoder().encode(safe))
}

/** The folder of Node-API's headers. */
export function nodeApiHeaders(): string {
  const found = createRequire(import.meta.url).resolve('node-api-headers')
  const folder = join(dirname(found), 'include')
  if (existsSync(join(folder, 'node_api.h'))) return folder
  throw new BackendError('The headers of Node-API are missing', { where: folder, hint: 'Reinstall siglip-tfjs.' })
}
