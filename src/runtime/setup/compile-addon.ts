import { existsSync } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

import { BackendError } from '../../errors.js'
import { nativePaths } from '../native-folder.js'
import { QUIET_SOURCE } from './quiet-source.js'
import { interrupted, messageOf, runTool } from './run-tool.js'

/** What the addon is compiled from. */
export interface AddonSources {
  /** The folder being built; the addon goes to its `lib/`, where the libraries already are. */
  readonly folder: string
  /** The folder of TensorFlow's headers. */
  readonly headers: string
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
 * Compiles tfjs-node's two binding files against TensorFlow's C library. The addon speaks the stable Node-API, so one
 * build serves every version of Node, and it looks for the libraries beside itself, so the folder can be moved.
 *
 * @returns the command line, for the record.
 * @throws BackendError if the compiler fails.
 */
export async function compileAddon(sources: AddonSources, signal?: AbortSignal): Promise<string> {
  const { folder, headers, libraries, compiler } = sources
  const { tfjsNode, addon, quiet } = nativePaths(folder)
  const binding = join(tfjsNode, 'binding')
  await makeThreadSafe(join(binding, 'tfjs_backend.cc'))
  const mac = process.platform === 'darwin'
  const shared = ['-O2', '-std=c++17', '-shared', '-fPIC', '-DNAPI_VERSION=8', `-I${nodeApiHeaders()}`]
  if (mac) shared.push('-undefined', 'dynamic_lookup')
  await mkdir(dirname(addon), { recursive: true })
  const args = [
    ...shared,
    `-I${binding}`,
    `-I${headers}`,
    join(binding, 'tfjs_backend.cc'),
    join(binding, 'tfjs_binding.cc'),
    ...libraries.map((library) => join(folder, 'lib', library)),
    `-Wl,-rpath,${mac ? '@loader_path' : '$ORIGIN'}`,
    '-o',
    addon,
  ]
  await runTool(compiler, args, { signal })
  const quietSource = join(folder, 'quiet.cc')
  await writeFile(quietSource, QUIET_SOURCE)
  await runTool(compiler, [...shared, `-DFRAMEWORK="${libraries[1]}"`, quietSource, '-ldl', '-o', quiet], { signal })
  await rm(quietSource)
  return [compiler, ...args].join(' ')
}

/** The binding keeps attribute names in one set for the whole process; worker threads would write it at the same time. */
async function makeThreadSafe(path: string): Promise<void> {
  const source = await readFile(path, 'utf8')
  const shared = 'static std::set<std::string> ATTR_NAME_SET;'
  if (!source.includes(shared)) throw new BackendError('The binding is not the one expected', { where: path })
  await writeFile(path, source.replace(shared, shared.replace('static', 'static thread_local')))
}

function nodeApiHeaders(): string {
  const found = createRequire(import.meta.url).resolve('node-api-headers')
  const folder = join(dirname(found), 'include')
  if (existsSync(join(folder, 'node_api.h'))) return folder
  throw new BackendError('The headers of Node-API are missing', { where: folder, hint: 'Reinstall siglip-tfjs.' })
}
