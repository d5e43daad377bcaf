import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { BackendError } from '../../src/errors.js'
import { findNativeFolder, MARKER, nativeFolderPath } from '../../src/backend/native-folder.js'
import { setup, type SetupOptions } from '../../src/setup/setup.js'
import { sourcesHash } from '../../src/setup/native-sources.js'
import type { SetupProgress } from '../../src/setup/setup-progress.js'
import { type FakeTools, fakeTools } from './fake-tools.js'

let tools: FakeTools
beforeEach(async () => {
  tools = await fakeTools()
})
afterEach(() => tools.remove())

async function failure(options: SetupOptions = {}): Promise<string> {
  const thrown: unknown = await setup(options).catch((error: unknown) => error)
  expect(thrown).toBeInstanceOf(BackendError)
  return String(thrown)
}

async function expectNothingHalfMade(): Promise<void> {
  expect(await readdir(join(tools.cache, 'native'))).toEqual([])
}

async function finishedFolder(content = 'addon', sources: string | null = null): Promise<string> {
  const folder = nativeFolderPath()
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'addon'), content)
  const files = { addon: { size: 5, sha256: '' } }
  const made = { root: '.', addon: 'addon', compiler: 'g++', sources, noEngine: null }
  const marker = { tfjsNode: '4.22.0', tensorflow: '2.21.0', ...made, files }
  await writeFile(join(folder, MARKER), JSON.stringify(marker))
  return folder
}

it('says what is missing before anything is downloaded', async () => {
  await tools.tool(
    'npm',
    `appendFileSync(${JSON.stringify(join(tools.folder, 'called'))}, args.join(' ')); process.exit(1)`,
  )
  const message = await failure()
  expect(message).toMatch(/No C\+\+ compiler works here.*WebAssembly/)
  expect(existsSync(join(tools.folder, 'called'))).toBe(false)
  await expectNothingHalfMade()
})

const anotherPackage = () => `
  appendFileSync(${JSON.stringify(join(tools.folder, 'called'))}, args[0] + '\\n')
  if (args[0] !== 'pack') process.exit(3)
  writeFileSync(require('node:path').join(args[args.indexOf('--pack-destination') + 1], 'x.tgz'), 'another')`

it.each([
  ['its own way', {}],
  ['tfjs-node’s own installer', { official: true }],
])('refuses a package of another hash, and that is the end of it: %s', async (_, options) => {
  await tools.tool('g++', '')
  await tools.tool('npm', anotherPackage())
  expect(await failure(options)).toMatch(/another hash: expected sha512 .*not used/)
  expect(await readFile(join(tools.folder, 'called'), 'utf8')).toBe('pack\n')
  await expectNothingHalfMade()
})

it('runs no installer of others where its own way fails, and offers none', async () => {
  await tools.tool('g++', '')
  await tools.tool('npm', `appendFileSync(${JSON.stringify(join(tools.folder, 'called'))}, args[0]); process.exit(3)`)
  expect(await failure()).toMatch(/exit 3.*WebAssembly/)
  expect(await readFile(join(tools.folder, 'called'), 'utf8')).toBe('pack')
})

it('leaves nothing half-made when it is interrupted, and can be run again', async () => {
  await tools.tool('g++', '')
  await tools.tool('npm', 'setInterval(() => {}, 1000)')
  const stop = new AbortController()
  const steps: SetupProgress['step'][] = []
  const message = await failure({
    signal: stop.signal,
    onProgress: ({ step }) => {
      steps.push(step)
      setTimeout(() => {
        stop.abort()
      }, 50)
    },
  })
  expect(message).toMatch(/interrupted.*run it again/)
  expect(steps).toEqual(['tfjs-node'])
  await expectNothingHalfMade()
  await tools.tool('npm', 'process.exit(9)')
  expect(await failure()).toMatch(/exit 9/)
})

it('clears away what a process that was killed has left', async () => {
  const left = join(tools.cache, 'native', '.building-killed')
  await mkdir(left, { recursive: true })
  await failure()
  expect(existsSync(left)).toBe(false)
})

it('two at once fail one after the other, each for its own reason', async () => {
  const messages = await Promise.all([failure(), failure()])
  for (const message of messages) expect(message).toMatch(/No C\+\+ compiler/)
  await expectNothingHalfMade()
})

it('does nothing where a finished folder is', async () => {
  const folder = await finishedFolder()
  expect(await setup()).toEqual({ folder, outcome: 'already', tensorflow: '2.21.0' })
})

it('does nothing where the addons are of the sources that this package brings', async () => {
  const folder = await finishedFolder('addon', await sourcesHash())
  expect(await setup()).toEqual({ folder, outcome: 'already', tensorflow: '2.21.0' })
})

it('compiles the addons anew where they are of other sources, and keeps them if that fails', async () => {
  const folder = await finishedFolder('addon', 'others')
  expect(await failure()).toMatch(/No C\+\+ compiler/)
  expect(findNativeFolder()).toHaveProperty('marker')

  const binding = join(folder, 'tfjs-node', 'binding')
  await mkdir(binding, { recursive: true })
  await writeFile(join(binding, 'tfjs_backend.cc'), 'static std::set<std::string> ATTR_NAME_SET;')
  // Whatever it is asked for is an addon; only the kernels for AMX are beyond it.
  await tools.tool(
    'g++',
    `if (args[0].startsWith('-mavx')) process.exit(1)
     const after = (name) => args[args.indexOf(name) + 1]
     if (args.includes('-MF')) writeFileSync(after('-MF'), 'x.o: ' + after('-c'))
     if (args.includes('-o')) writeFileSync(after('-o'), 'exports.TF_Version = "2.21.0"')
     appendFileSync(${JSON.stringify(join(tools.folder, 'calls'))}, args.join(' ') + '\\n')`,
  )
  await writeFile(join(tools.folder, 'calls'), '')
  const steps: string[] = []
  const onProgress = ({ step, message }: SetupProgress) => steps.push(`${step} ${message}`)
  expect((await failure({ onProgress })).length).toBeGreaterThan(0) // no library: text is no addon
  expect(steps).toEqual([
    'compile the binding between Node and TensorFlow',
    'compile the engine that runs recorded functions',
    'check that it loads',
  ])
  const calls = await readFile(join(tools.folder, 'calls'), 'utf8')
  expect(calls).toMatch(/-shared \S*\.o .*-o \S*engine\.node/)
  expect(calls).toMatch(/-c \S*kernels\/amx\.cc/)
  expect(calls).not.toMatch(/-mavx/)
})

it('keeps the finished folder when building it again fails', async () => {
  await finishedFolder()
  expect(await failure({ force: true })).toMatch(/No C\+\+ compiler/)
  expect(findNativeFolder()).toHaveProperty('marker')
})

it('does not take a folder for finished that has another size, or no marker, or a damaged one', async () => {
  expect(findNativeFolder()).toEqual({ missing: 'it is not built yet' })
  const folder = await finishedFolder('cut')
  expect(findNativeFolder()).toEqual({ missing: `${join(folder, 'addon')} is damaged` })
  await writeFile(join(folder, MARKER), '{"files":[]}')
  expect(findNativeFolder()).toHaveProperty('missing', expect.stringContaining('is damaged'))
})

it('says that the cache cannot be written', async () => {
  await writeFile(join(tools.folder, 'file'), '')
  process.env['SIGLIP_CACHE'] = join(tools.folder, 'file')
  expect(await failure()).toMatch(/cannot be set up.*SIGLIP_CACHE/)
})
