import { createHash } from 'node:crypto'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { BackendError } from '../../src/errors.js'
import { fetchWheel, tensorflowWheel } from '../../src/setup/tensorflow-wheel.js'
import { type FakeTools, fakeTools } from './fake-tools.js'

let tools: FakeTools
beforeEach(async () => {
  tools = await fakeTools()
})
afterEach(() => tools.remove())

const wheel = {
  project: 'small',
  file: 'small.whl',
  platform: 'any',
  size: 5,
  sha256: createHash('sha256').update('wheel').digest('hex'),
  libraries: ['a', 'b'],
} as const

/** A pip that writes down how it was called and brings a file. */
const pip = (content: string, file: string = wheel.file) => `
  if (args.includes('--version')) process.exit(0)
  appendFileSync(${JSON.stringify(join(tools.folder, 'calls'))}, args.join(' ') + '\\n')
  writeFileSync(require('node:path').join(args[args.indexOf('--dest') + 1], '${file}'), '${content}')`

const downloads = () => join(tools.cache, 'downloads')

it('asks pip for the one wheel, and not again when it is there', async () => {
  await tools.tool('pip3', pip('wheel'))
  const path = await fetchWheel(wheel, downloads())
  expect(await readFile(path, 'utf8')).toBe('wheel')
  expect(await fetchWheel(wheel, downloads())).toBe(path)
  const calls = (await readFile(join(tools.folder, 'calls'), 'utf8')).trim().split('\n')
  expect(calls).toHaveLength(1)
  expect(calls[0]).toMatch(/^download .*--no-deps --only-binary :all: --platform any .*small==/)
})

it('downloads again what was kept and is damaged', async () => {
  await tools.tool('pip3', pip('wheel'))
  const path = await fetchWheel(wheel, downloads())
  await writeFile(path, 'whee')
  expect(await readFile(await fetchWheel(wheel, downloads()), 'utf8')).toBe('wheel')
})

it('goes on to the next pip where a Python has none', async () => {
  await tools.tool('python3', 'console.error("No module named pip"); process.exit(1)')
  await tools.tool('pip', pip('wheel'))
  expect(await readFile(await fetchWheel(wheel, downloads()), 'utf8')).toBe('wheel')
})

it.each([
  ['another hash', () => pip('other'), /another hash.*expected sha256/],
  ['another file', () => pip('wheel', 'other.whl'), /another file.*small\.whl.*other\.whl/],
  [
    'a failure',
    () => 'if (!args.includes("--version")) { console.error("no network"); process.exit(7) }',
    /no network/,
  ],
])('refuses %s and keeps nothing', async (_, program, message) => {
  await tools.tool('pip3', program())
  const thrown: unknown = await fetchWheel(wheel, downloads()).catch((error: unknown) => error)
  expect(thrown).toBeInstanceOf(BackendError)
  expect(String(thrown)).toMatch(message)
  expect(await readdir(downloads())).toEqual([])
})

it('downloads once more what is cut off, and then refuses it', async () => {
  const calls = join(tools.folder, 'calls')
  await tools.tool('pip3', pip('whee'))
  await expect(fetchWheel(wheel, downloads())).rejects.toThrow(/truncated: expected 5 bytes, found 4.*not used/)
  expect((await readFile(calls, 'utf8')).trim().split('\n')).toHaveLength(2)
  expect(await readdir(downloads())).toEqual([])
  const content = `' + (require('node:fs').readFileSync(${JSON.stringify(calls)}, 'utf8').split('\\n').length > 4 ? 'wheel' : 'whee') + '`
  await tools.tool('pip3', pip(content))
  expect(await readFile(await fetchWheel(wheel, downloads()), 'utf8')).toBe('wheel')
})

it('takes nothing from the folder that pip is run in, nor from PYTHONPATH', async () => {
  await tools.tool(
    'python3',
    pip('wheel').replace("args.join(' ')", "args.slice(0, 3).join(' ') + ' in ' + process.cwd()"),
  )
  await fetchWheel(wheel, downloads())
  const call = await readFile(join(tools.folder, 'calls'), 'utf8')
  expect(call).toMatch(/^-I -m pip in .*\.pip-/)
})

it('says that there is no pip', async () => {
  await expect(fetchWheel(wheel, downloads())).rejects.toThrow(/A working pip was not found.*Install Python 3/)
})

it('ends pip when it is interrupted', async () => {
  await tools.tool('pip3', 'if (!args.includes("--version")) setInterval(() => {}, 1000)')
  const stop = new AbortController()
  const fetching = fetchWheel(wheel, downloads(), {
    signal: stop.signal,
    onProgress: () => {
      stop.abort()
    },
  })
  await expect(fetching).rejects.toThrow(/interrupted/)
  expect(await readdir(downloads())).toEqual([])
})

it('knows the platforms that TensorFlow’s library is published for', () => {
  for (const platform of ['linux-x64', 'linux-arm64', 'darwin-arm64']) {
    expect(tensorflowWheel(platform).sha256).toMatch(/^[0-9a-f]{64}$/)
  }
  expect(() => tensorflowWheel('linux-musl-x64')).toThrow(BackendError)
})
