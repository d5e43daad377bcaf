import { homedir } from 'node:os'
import { join } from 'node:path'

import { cacheFolder } from '../../src/backend/cache-folder.js'

it.each([
  ['linux', {}, join('/home/a', '.cache', 'siglip-tfjs')],
  ['linux', { XDG_CACHE_HOME: '/big' }, join('/big', 'siglip-tfjs')],
  ['darwin', { XDG_CACHE_HOME: '/big' }, join('/home/a', 'Library', 'Caches', 'siglip-tfjs')],
  ['win32', { LOCALAPPDATA: '/local' }, join('/local', 'siglip-tfjs')],
  ['linux', { XDG_CACHE_HOME: 'big' }, join('/home/a', '.cache', 'siglip-tfjs')],
  ['linux', { HOME: '.', XDG_CACHE_HOME: '.' }, join(homedir(), '.cache', 'siglip-tfjs')],
  ['win32', { LOCALAPPDATA: '.' }, join('/home/a', 'AppData', 'Local', 'siglip-tfjs')],
  ['linux', { SIGLIP_CACHE: '/own', XDG_CACHE_HOME: '/big' }, '/own'],
] as const)('on %s with %o is %s', (platform, env, expected) => {
  expect(cacheFolder({ HOME: '/home/a', ...env }, platform)).toBe(expected)
})
