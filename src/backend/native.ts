/**
 * The one module that knows tfjs-node's insides: it puts TensorFlow's C library under the caller's own instance of tfjs.
 *
 * @module
 */
import { existsSync, realpathSync } from 'node:fs'
import { createRequire, isBuiltin } from 'node:module'
import { dirname, join } from 'node:path'
import util from 'node:util'

import * as tf from '@tensorflow/tfjs'

import { NATIVE } from './backend-report.js'
import { BackendError } from '../errors.js'
import { commonJsLoader } from './commonjs-loader.js'
import { giveProductsEqualBatches } from './equal-batches.js'
import { addonPaths, type NativeFolder, nativePaths, useNativeFolder } from './native-folder.js'
import { packageFolder } from './package-folder.js'

/** What was put under tfjs. */
export interface LoadedNative {
  /** TensorFlow's version, e.g. `"2.21.0"`. */
  readonly version: string
  /** Where it came from. */
  readonly origin: 'setup' | 'project'
}

/** Reports that there is nothing to load, and why. */
export interface NoNative {
  readonly missing: string
}

const require = createRequire(import.meta.url)
let loaded: LoadedNative | undefined
let loadedFolder: LoadedFolder | undefined

/** The folder that the native backend was loaded from, and what its engine's file exports, or why it does not load. */
export interface LoadedFolder {
  readonly folder: NativeFolder
  readonly engine: { readonly addon: unknown } | { readonly failure: unknown }
}

/** What {@link loadNative} has loaded of `siglip setup`'s; a set-up that has replaced it since changes nothing for this process. */
export function loadedNativeFolder(): LoadedFolder | undefined {
  return loadedFolder
}

/**
 * Registers the backend `tensorflow` in tfjs: the `@tensorflow/tfjs-node` that is installed beside this package (or that the program
 * has imported) if it works on this tfjs, else the one `siglip setup` has built. The folder that the user stands in is not looked
 * into: what lies there is data. The backend is registered, not chosen.
 *
 * @returns what was loaded, or why nothing could be: a folder that isn't there or doesn't load is no error here.
 */
export function loadNative(): LoadedNative | NoNative {
  if (loaded) return loaded
  const found = findNative()
  if ('missing' in found) return found
  giveProductsEqualBatches(NATIVE)
  return (loaded = found)
}

function findNative(): LoadedNative | NoNative {
  // TensorFlow's own notices on stderr stay away, unless the user has set how many he wants to see.
  process.env['TF_CPP_MIN_LOG_LEVEL'] ??= '3'
  const threads = process.env['SIGLIP_THREADS']
  if (threads) process.env['TF_NUM_INTRAOP_THREADS'] ??= threads
  const project = registeredNative() ?? loadFromProject()
  if (project) return project
  try {
    return useNativeFolder((folder) => loadFromFolder(folder))
  } catch (cause) {
    return { missing: `it does not load: ${cause instanceof Error ? cause.message : String(cause)}` }
  }
}

function loadFromFolder(folder: NativeFolder): LoadedNative {
  const { path, marker } = folder
  const { tfjsNode } = nativePaths(join(path, marker.root))
  const addon = join(path, marker.addon)
  const { engine, quiet } = addonPaths(dirname(addon))
  if (process.env['TF_CPP_MIN_LOG_LEVEL'] !== '0' && existsSync(quiet)) require(quiet)
  const binding = checked(require(addon), isBinding, addon)
  // The engine belongs to this binding: it is loaded now, before another set-up can replace both.
  const loadedEngine = marker.sources === null || marker.noEngine !== null ? { failure: undefined } : attempt(engine)
  const provided: Readonly<Record<string, unknown>> = { '@tensorflow/tfjs': tf, util: { ...util, ...LOST_FROM_UTIL } }
  const load = commonJsLoader((name) => provided[name] ?? dependency(name))
  const checkedLoad = <T>(name: string, is: (value: unknown) => value is T) => {
    const file = join(tfjsNode, 'dist', name)
    return checked(load(file), is, file)
  }
  // As tfjs-node's own index.js does, without node-pre-gyp, which only looks for the addon, and without its progress bar.
  checkedLoad('register_all_kernels.js', isObject)
  const { NodeJSKernelBackend } = checkedLoad('nodejs_kernel_backend.js', isBackendModule)
  const { nodeFileSystemRouter } = checkedLoad('io/file_system.js', isRouterModule)
  tf.registerBackend(NATIVE, () => new NodeJSKernelBackend(binding, '@tensorflow/tfjs-node'), 3)
  tf.io.registerLoadRouter(nodeFileSystemRouter)
  tf.io.registerSaveRouter(nodeFileSystemRouter)
  loadedFolder = { folder, engine: loadedEngine }
  return { version: binding.TF_Version, origin: 'setup' }
}

function attempt(file: string): LoadedFolder['engine'] {
  try {
    return { addon: require(file) }
  } catch (failure) {
    return { failure }
  }
}

/** What else tfjs-node asks for is Node's own, or a package that this one depends on. */
function dependency(name: string): unknown {
  const found = isBuiltin(name) ? name : installedBeside(name)
  if (found !== undefined) return require(found)
  throw new BackendError('tfjs-node asks for a package that is not installed', {
    found: name,
    hint: 'Reinstall siglip-tfjs.',
  })
}

/** The tfjs-node that is installed where this package is comes first, if it loads and runs on the same instance of tfjs. */
function loadFromProject(): LoadedNative | undefined {
  const chosen = tf.getBackend()
  try {
    const file = installedBeside('@tensorflow/tfjs-node')
    if (file === undefined) return undefined
    if (createRequire(file).resolve('@tensorflow/tfjs') !== require.resolve('@tensorflow/tfjs')) return undefined
    restoreUtil()
    require(file)
    return registeredNative()
  } catch {
    return undefined // its addon was not built
  } finally {
    if (chosen && tf.getBackend() !== chosen) void tf.setBackend(chosen) // its import chooses itself
  }
}

/**
 * The file of a package in a `node_modules` above this one. Unlike `require.resolve` it does not look into `NODE_PATH`, which may name
 * the folder that the user stands in. (Yarn's Plug'n'Play has no such folders, and a `require.resolve` of its own.)
 */
function installedBeside(name: string): string | undefined {
  if ('pnp' in process.versions) return require.resolve(name)
  for (let folder = packageFolder(); ; folder = dirname(folder)) {
    const path = join(folder, 'node_modules', name)
    if (existsSync(join(path, 'package.json'))) return require.resolve(realpathSync(path))
    if (folder === dirname(folder)) return undefined
  }
}

/** What another import of tfjs-node has registered. */
function registeredNative(): LoadedNative | undefined {
  if (!tf.engine().registryFactory[NATIVE]) return undefined
  const backend: unknown = tf.findBackend(NATIVE)
  const binding: unknown = isObject(backend) ? backend['binding'] : undefined
  return isBinding(binding) ? { version: binding.TF_Version, origin: 'project' } : undefined
}

/** Two functions that tfjs-node 4.22 calls; Node 22 warns of them, Node 23 has none. */
const LOST_FROM_UTIL = {
  isNullOrUndefined: (value: unknown) => value === null || value === undefined,
  isArray: (value: unknown) => Array.isArray(value),
} as const

/** A tfjs-node that Node itself loads finds them in Node's own module: they are given back only where they are missing. */
function restoreUtil(): void {
  for (const [name, value] of Object.entries(LOST_FROM_UTIL)) {
    if (!(name in util)) Object.defineProperty(util, name, { value, configurable: true, writable: true })
  }
}

interface Binding {
  readonly TF_Version: string
}
interface BackendModule {
  readonly NodeJSKernelBackend: new (binding: Binding, packageName: string) => tf.KernelBackend
}
interface RouterModule {
  readonly nodeFileSystemRouter: (url: string | string[]) => tf.io.IOHandler
}

function checked<T>(value: unknown, is: (value: unknown) => value is T, where: string): T {
  if (is(value)) return value
  throw new BackendError('A file of the native backend is another than expected', {
    where,
    hint: 'Run `npx siglip setup --force`.',
  })
}

function isBinding(value: unknown): value is Binding {
  return isObject(value) && typeof value['TF_Version'] === 'string'
}

function isBackendModule(value: unknown): value is BackendModule {
  return isObject(value) && typeof value['NodeJSKernelBackend'] === 'function'
}

function isRouterModule(value: unknown): value is RouterModule {
  return isObject(value) && typeof value['nodeFileSystemRouter'] === 'function'
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}
