import { existsSync, readFileSync } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { availableParallelism, freemem, totalmem } from 'node:os'
import { join } from 'node:path'

import * as tf from '@tensorflow/tfjs'

import { currentBackend, useBackend } from '../backend/backend-node.js'
import { type BackendReport, describeBackend } from '../backend/backend-report.js'
import { cacheFolder } from '../backend/cache-folder.js'
import type { EngineInfo } from '../backend/engine/engine-core.js'
import { loadEngine } from '../jit/program/engine.js'
import { findNativeFolder, nativeFolderPath } from '../backend/native-folder.js'
import { packageFolder } from '../backend/package-folder.js'
import { type ProcessorInfo, cpuInfo } from '../backend/cpu.js'
import { fileHash } from '../io/file-hash.js'

/** The state of the native backend in the cache. */
export type NativeState =
  | { readonly state: 'missing'; readonly folder: string; readonly reason: string }
  | {
      readonly state: 'complete' | 'damaged'
      readonly folder: string
      readonly tensorflow: string
      /** How many files it has, and those whose hash is another than when it was built. */
      readonly files: number
      readonly damaged: readonly string[]
    }

/** What `doctor` finds. Sizes are in bytes. */
export interface DoctorReport {
  readonly versions: {
    readonly package: string
    readonly node: string
    readonly tfjs: string
    /** TensorFlow's C library, if the native backend runs. */
    readonly tensorflow: string | undefined
  }
  readonly platform: string
  readonly backend: BackendReport
  readonly processor: ProcessorInfo
  /** Threads this process may use; fewer than the processor's inside a container. */
  readonly threads: number
  readonly memory: { readonly total: number; readonly free: number }
  readonly cache: { readonly folder: string; readonly size: number }
  readonly native: NativeState
  /** What runs recorded functions, or why nothing does. */
  readonly engine: EngineInfo | { readonly missing: string }
}

/** Looks at everything that decides how fast this package runs here. Starts a backend if none was; reads 0.9 GB of cache. */
export async function doctor(): Promise<DoctorReport> {
  const backend = currentBackend() ?? (await useBackend('auto', { quiet: true }))
  const cache = cacheFolder()
  return {
    versions: {
      package: packageVersion(),
      node: process.versions.node,
      tfjs: tf.version.tfjs,
      tensorflow: backend.name === 'native' ? backend.version : undefined,
    },
    platform: `${process.platform}-${process.arch}`,
    backend,
    processor: cpuInfo(),
    threads: availableParallelism(),
    memory: { total: totalmem(), free: freemem() },
    cache: { folder: cache, size: await sizeOf(cache) },
    native: await nativeState(),
    engine: engineState(),
  }
}

function engineState(): DoctorReport['engine'] {
  const engine = loadEngine()
  if ('missing' in engine) return engine
  const { kernels, usable, bfloat16, threads } = engine
  return { kernels, usable, bfloat16, threads }
}

/** The report for a reader: a line a fact. */
export function formatDoctor(report: DoctorReport): string {
  const { versions, platform, backend, processor, threads, memory, cache, native, engine } = report
  const facts: readonly (readonly [string, string])[] = [
    ['siglip-tfjs', versions.package],
    ['Node', `${versions.node} (${platform})`],
    ['TensorFlow.js', versions.tfjs],
    ['TensorFlow', versions.tensorflow ?? 'not running'],
    ['backend', describeBackend(backend)],
    ['processor', `${processor.model}: ${processor.features?.join(', ') ?? 'features unknown'}`],
    ['threads', `${threads} of ${processor.threads}`],
    ['memory', `${gigabytes(memory.free)} of ${gigabytes(memory.total)} free`],
    ['cache', `${cache.folder} (${gigabytes(cache.size)})`],
    ['native', describeNative(native)],
    ['engine', describeEngine(engine)],
  ]
  return facts.map(([name, value]) => `${name.padEnd(14)}${value}`).join('\n')
}

function describeEngine(engine: DoctorReport['engine']): string {
  if ('missing' in engine) return `none: ${engine.missing}`
  const { kernels, usable, bfloat16, threads } = engine
  const others = usable.filter((name) => name !== kernels)
  const precision = bfloat16 ? 'bfloat16 in hardware' : 'no bfloat16 in hardware'
  return `${kernels}, ${precision}, ${threads} threads${others.length > 0 ? `; it could use ${others.join(', ')}` : ''}`
}

function describeNative(native: NativeState): string {
  if (native.state === 'missing') return `${native.reason} (${native.folder}). Run \`npx siglip setup\``
  const found = `TensorFlow ${native.tensorflow}, ${native.files} files`
  if (native.state === 'complete') return `${found}, all hashes right`
  return `${found}, damaged: ${native.damaged.join(', ')}. Run \`npx siglip setup --force\``
}

async function nativeState(): Promise<NativeState> {
  const folder = nativeFolderPath()
  for (;;) {
    const found = findNativeFolder(folder)
    if ('missing' in found) return { state: 'missing', folder, reason: found.missing }
    const { files, tensorflow } = found.marker
    const damaged: string[] = []
    for (const [name, { sha256 }] of Object.entries(files)) {
      const hash = await fileHash(join(folder, name), 'sha256', 'hex').catch(() => undefined)
      if (hash !== sha256) damaged.push(name)
    }
    const state = damaged.length === 0 ? 'complete' : 'damaged'
    const now = findNativeFolder(folder)
    const isReplaced = !('missing' in now) && now.marker.addon !== found.marker.addon // by a set-up that ran in the meantime
    if (!isReplaced) return { state, folder, tensorflow, files: Object.keys(files).length, damaged }
  }
}

async function sizeOf(folder: string): Promise<number> {
  if (!existsSync(folder)) return 0
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const sizes = entries
    .filter((entry) => entry.isFile())
    // A running setup moves its files.
    .map((entry) =>
      stat(join(entry.parentPath, entry.name)).then(
        (file) => file.size,
        () => 0,
      ),
    )
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
}

function packageVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(join(packageFolder(), 'package.json'), 'utf8'))
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest
    ? String(manifest.version)
    : 'unknown'
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`
}
