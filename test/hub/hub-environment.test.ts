import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import path from 'node:path'
import { HUB_URL } from '@huggingface/hub'
import { InputError } from '../../src/errors.js'
import { hubCacheFolder, hubSettings } from '../../src/hub/hub-environment.js'

let home: string
beforeAll(async () => {
  home = await mkdtemp(path.join(tmpdir(), 'siglip-home-'))
  await writeFile(path.join(home, 'token'), ' hf_file\n')
  await writeFile(path.join(home, 'other'), 'hf_other')
})
afterAll(() => rm(home, { recursive: true }))

test.each<[string, Record<string, string>, string]>([
  ['nothing', { HOME: '/home/me' }, '/home/me/.cache/huggingface/hub'],
  ['nothing, not even a home', {}, path.join(homedir(), '.cache/huggingface/hub')],
  ['XDG_CACHE_HOME', { XDG_CACHE_HOME: '/xdg' }, '/xdg/huggingface/hub'],
  ['HF_HOME', { HF_HOME: '~/hf', HOME: '/home/me', XDG_CACHE_HOME: '/xdg' }, '/home/me/hf/hub'],
  ['the older name', { HUGGINGFACE_HUB_CACHE: '/old', HF_HOME: '/hf' }, '/old'],
  ['HF_HUB_CACHE', { HF_HUB_CACHE: '$DISK/${NAME}', DISK: '/disk', NAME: 'hub', HF_HOME: '/hf' }, '/disk/hub'],
])('the cache is where %s says', (_, env, folder) => {
  expect(hubCacheFolder(env)).toBe(path.resolve(folder))
})

test('the token comes from the option, the environment or the file, as Python takes it', async () => {
  const env = { HF_HOME: home }
  const tokenWith = async (options: Parameters<typeof hubSettings>[0], more = {}): Promise<string | undefined> =>
    (await hubSettings(options, { ...env, ...more })).token
  expect(await tokenWith({})).toBe('hf_file')
  expect(await tokenWith({}, { HF_TOKEN_PATH: path.join(home, 'other') })).toBe('hf_other')
  expect(await tokenWith({}, { HF_TOKEN: 'hf_env' })).toBe('hf_env')
  expect(await tokenWith({ token: 'hf_mine' }, { HF_TOKEN: 'hf_env' })).toBe('hf_mine')
  expect(await tokenWith({ token: false }, { HF_TOKEN: 'hf_env' })).toBeUndefined()
  expect(await tokenWith({}, { HF_HUB_DISABLE_IMPLICIT_TOKEN: '1' })).toBeUndefined()
  expect(await tokenWith({ token: 'hf_mine' }, { HF_HUB_DISABLE_IMPLICIT_TOKEN: '1' })).toBe('hf_mine')
  expect(await tokenWith({ token: true }, { HF_HUB_DISABLE_IMPLICIT_TOKEN: '1' })).toBe('hf_file')
  expect(await tokenWith({}, { HF_HOME: path.join(home, 'nowhere') })).toBeUndefined()
})

test('the endpoint and being offline', async () => {
  expect((await hubSettings({}, {})).endpoint).toBe(HUB_URL)
  expect((await hubSettings({}, { HF_ENDPOINT: 'http://mirror/hf/' })).endpoint).toBe('http://mirror/hf')
  await expect(hubSettings({ endpoint: 'mirror' }, {})).rejects.toThrow(InputError)
  expect((await hubSettings({}, { HF_HUB_OFFLINE: 'yes' })).offline).toBe(true)
  expect((await hubSettings({ localFilesOnly: false }, { HF_HUB_OFFLINE: '1' })).offline).toBe(false)
  expect((await hubSettings({}, { HF_HUB_OFFLINE: '0' })).offline).toBe(false)
})
