import { homedir } from 'node:os'
import { isAbsolute, join, resolve } from 'node:path'

/**
 * The folder this package keeps what it builds in: `SIGLIP_CACHE` if set, else `siglip-tfjs` in the user's own cache
 * folder (`$XDG_CACHE_HOME` or `~/.cache`; `~/Library/Caches` on macOS; `%LOCALAPPDATA%` on Windows). It need not exist.
 *
 * Code is loaded from it: a system variable that names no absolute path would lead to the folder the user stands in, and is ignored.
 */
export function cacheFolder(
  env: NodeJS.ProcessEnv = process.env,
  platform: NodeJS.Platform = process.platform,
): string {
  if (env['SIGLIP_CACHE']) return resolve(env['SIGLIP_CACHE'])
  return join(userCacheFolder(env, platform), 'siglip-tfjs')
}

function userCacheFolder(env: NodeJS.ProcessEnv, platform: NodeJS.Platform): string {
  const home = absolute(env['HOME']) ?? homedir()
  if (platform === 'win32') return absolute(env['LOCALAPPDATA']) ?? join(home, 'AppData', 'Local')
  if (platform === 'darwin') return join(home, 'Library', 'Caches')
  return absolute(env['XDG_CACHE_HOME']) ?? join(home, '.cache')
}

function absolute(path: string | undefined): string | undefined {
  return path !== undefined && isAbsolute(path) ? path : undefined
}
