import { access, mkdir, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import process from 'node:process'

import { cacheFolder } from '../../dist/src/backend/cache-folder.js'
import { runTool } from '../../dist/src/setup/run-tool.js'

/** Which release, with its hash: pip takes no other. */
const LOCK = join(import.meta.dirname, 'ziglang.txt')
const VERSION = '0.17.0'

/** The folder of the compiler that makes the engines for all systems: Zig's clang, with its C and C++ libraries. It need not exist. */
export function toolchainFolder() {
  return join(cacheFolder(), `ziglang-${VERSION}`)
}

/**
 * @typedef {object} Toolchain
 * @property {string} zig its program
 * @property {string} library the folder of the libraries' sources
 */

/**
 * The compiler, or undefined where it has not been fetched.
 *
 * @returns {Promise<Toolchain | undefined>}
 */
export async function findToolchain() {
  const packages = join(toolchainFolder(), 'ziglang')
  const zig = join(packages, 'zig')
  try {
    await access(zig)
    return { zig, library: join(packages, 'lib') }
  } catch {
    return undefined
  }
}

/**
 * Fetches the compiler from PyPI, 100 MB, unless it is there.
 *
 * @returns {Promise<Toolchain>}
 */
export async function fetchToolchain() {
  const found = await findToolchain()
  if (found !== undefined) return found
  const folder = toolchainFolder()
  const part = `${folder}.${process.pid}.part`
  process.stderr.write(`siglip-tfjs: fetching the compiler, Zig ${VERSION}\n`)
  try {
    await mkdir(dirname(folder), { recursive: true })
    await runTool('python3', [
      '-m',
      'pip',
      'install',
      '--quiet',
      '--no-deps',
      '--require-hashes',
      '--target',
      part,
      '-r',
      LOCK,
    ])
    await rm(folder, { recursive: true, force: true })
    await rename(part, folder)
  } finally {
    await rm(part, { recursive: true, force: true })
  }
  const fetched = await findToolchain()
  if (fetched === undefined) throw new Error(`${folder} lacks the compiler`)
  return fetched
}
