import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import path from 'node:path'
import { InputError } from '../errors.js'
import type { HubOptions } from './hub-options.js'
import type { HubConnection } from './hub-request.js'
import { HUB_URL } from './hub-url.js'

/** Where models come from and where they are kept, after options and environment. */
export interface HubSettings extends HubConnection {
  readonly cacheDir: string
  readonly offline: boolean
}

type Environment = Readonly<Record<string, string | undefined>>

/**
 * Settles what the options leave open as Python's huggingface_hub does, by the same variables of the environment.
 * Source: huggingface_hub's `constants.py` and `utils/_auth.py`.
 *
 * @throws InputError if the endpoint or the token is invalid.
 */
export async function hubSettings(
  { cacheDir, token, localFilesOnly, endpoint, signal, fetch: get = fetch, retryDelay = 1000 }: HubOptions,
  env: Environment = process.env,
): Promise<HubSettings> {
  const offline = localFilesOnly ?? (isTrue(env['HF_HUB_OFFLINE']) || isTrue(env['TRANSFORMERS_OFFLINE']))
  const isImplicit = !isTrue(env['HF_HUB_DISABLE_IMPLICIT_TOKEN'])
  const seconds = Number(env['HF_HUB_DOWNLOAD_TIMEOUT'])
  return {
    endpoint: checkEndpoint(endpoint || env['HF_ENDPOINT']),
    cacheDir: cacheDir ? path.resolve(cacheDir) : hubCacheFolder(env),
    token: offline
      ? undefined
      : checkToken(typeof token === 'string' ? token : await tokenOf(token ?? isImplicit, env)),
    offline,
    fetch: get,
    signal,
    timeout: seconds > 0 ? seconds * 1000 : 10_000,
    retryDelay,
  }
}

/** The folder that Python's huggingface_hub keeps downloads in. It need not exist. */
export function hubCacheFolder(env: Environment = process.env): string {
  return placeOf(env['HF_HUB_CACHE'] || env['HUGGINGFACE_HUB_CACHE'] || path.join(homeFolder(env), 'hub'), env)
}

function homeFolder(env: Environment): string {
  return placeOf(env['HF_HOME'] || path.join(env['XDG_CACHE_HOME'] || path.join('~', '.cache'), 'huggingface'), env)
}

/** A path of the environment, in which `~` and `$NAME` stand for what they do in a shell. */
function placeOf(text: string, env: Environment): string {
  const expanded = text
    .replace(/^~(?=$|[\\/])/, () => env['HOME'] || homedir())
    .replace(/\$(\w+|\{\w+\})/g, (whole, name: string) => env[name.replace(/[{}]/g, '')] ?? whole)
  return path.resolve(expanded)
}

async function tokenOf(isWanted: boolean, env: Environment): Promise<string | undefined> {
  if (!isWanted) return undefined
  const set = env['HF_TOKEN'] || env['HUGGING_FACE_HUB_TOKEN']
  if (set) return set
  const file = env['HF_TOKEN_PATH'] || path.join(homeFolder(env), 'token')
  return readFile(placeOf(file, env), 'utf8').catch(() => undefined)
}

/** A header carries nothing but visible characters. */
function checkToken(text = ''): string | undefined {
  const token = text.trim()
  if (/^[\x21-\x7e]*$/.test(token)) return token || undefined
  throw new InputError('Invalid access token', {
    expected: 'letters, digits and signs',
    found: 'blanks or characters beyond ASCII',
    where: 'option `token`, HF_TOKEN or the token file',
  })
}

function checkEndpoint(given: string | undefined): string {
  if (!given) return HUB_URL
  if (URL.canParse(given) && /^https?:$/.test(new URL(given).protocol)) return given.replace(/\/+$/, '')
  throw new InputError('Invalid hub URL', {
    expected: 'a URL such as "https://example.org"',
    found: JSON.stringify(given),
    where: 'option `endpoint`, or HF_ENDPOINT',
  })
}

function isTrue(value = ''): boolean {
  return ['1', 'ON', 'YES', 'TRUE'].includes(value.toUpperCase())
}
