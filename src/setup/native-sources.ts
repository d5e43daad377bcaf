import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'

import { packageFolder } from '../backend/package-folder.js'

/** The folder of the C++ files that the addons are compiled from. Their own includes are paths from it. */
export function nativeSources(): string {
  return join(packageFolder(), 'native')
}

/** How every file is compiled. A product's inner loop takes 5 % less time where it starts at a line of the cache. */
export const COMPILER_FLAGS = [
  '-O3',
  '-ffp-contract=off',
  '-falign-loops=64',
  '-std=c++17',
  '-Werror=switch', // a new entry of program/ops.def that a switch forgets
  '-fPIC',
  '-DNAPI_VERSION=8',
] as const

const AVX512 = ['-mavx512f', '-mavx512bw', '-mavx512vl', '-mavx512dq'] as const

/**
 * The files with a processor's kernels, and what they are compiled with besides. Where the compiler does not know a flag, the
 * file is compiled without all of them and has no kernels.
 */
export const KERNEL_FLAGS: Readonly<Record<string, readonly string[]>> = {
  'kernels/amx.cc': [...AVX512, '-mavx512vnni', '-mavx512bf16', '-mamx-tile', '-mamx-bf16'],
  'kernels/avx512.cc': AVX512,
  'kernels/avx2.cc': ['-mavx2', '-mfma'],
}

/** The file that tfjs-node's addon is compiled from; all other ones make the engine. */
export const BINDING_SOURCE = 'tensorflow/binding.cc'

/** Every file in `native/` and the folders inside it, by its path with `/` between parts, sorted. */
export async function nativeFiles(folder: string = nativeSources()): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile())
  return files.map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/')).sort()
}

/** A hash of everything that decides what the addons do: it changes when they have to be rebuilt. */
export async function sourcesHash(folder: string = nativeSources()): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify([COMPILER_FLAGS, KERNEL_FLAGS, BINDING_SOURCE]))
  for (const name of await nativeFiles(folder)) {
    hash.update(`\0${name}\0`).update(await readFile(join(folder, name)))
  }
  return hash.digest('hex')
}
