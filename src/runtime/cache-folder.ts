import { homedir } from 'node:os'
import { join, resolve } from 'node:path'

/**
 * The folder this package keeps what it builds in: `SIGLIP_CACHE` if set, else `siglip-tfjs` in the user's own cache
 * folder (`$XDG_CACHE_HOME` or `~/.cache`; `~/Library/Caches` on macOS; `%LOCALAPPDATA%` on Windows). It need not exist.
 */
export function cacheFolder(
  env: NodeJS.ProcessEnv = process.env,
  platform: NodeJS.Platform = process.platform,
): string {
  if (env['SIGLIP_CACHE']) return resolve(env['SIGLIP_CACHE'])
  return join(userCacheFolder(env, platform), 'siglip-tfjs')
}

function userCacheFolder(env: NodeJS.ProcessEnv, platform: NodeJS.Platform): string {
  const home = env['HOME'] ?? homedir()
  if (platform === 'win32') return env['LOCALAPPDATA'] ?? join(home, 'AppData', 'Local')
  if (platform === 'darwin') return join(home, 'Library', 'Caches')
  return env['XDG_CACHE_HOME'] ? resolve(env['XDG_CACHE_HOME']) : join(home, '.cache')
}
