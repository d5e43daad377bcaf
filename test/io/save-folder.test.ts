import { execFileSync, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import {
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  realpath,
  rename,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import path from 'node:path'
import { saveFile, saveFolder, savePair, type FileContent } from '../../src/io/save-folder.js'
import { FileError, InputError } from '../../src/errors.js'
import { openFolder } from '../../src/hub/open-folder-node.js'
import { thisProcess } from '../../src/io/process-identity.js'
import { compileSources } from '../compiled-sources.js'

let parent: string
let folder: string
beforeEach(async () => {
  parent = await realpath(await mkdtemp(path.join(tmpdir(), 'siglip-save-')))
  folder = path.join(parent, 'model')
})
afterEach(() => rm(parent, { recursive: true }))

const textFiles = (texts: Record<string, string>): Map<string, FileContent> =>
  new Map(Object.entries(texts).map(([name, text]) => [name, new TextEncoder().encode(text)]))

async function content(of = folder): Promise<Record<string, string>> {
  const entries = await readdir(of, { recursive: true, withFileTypes: true })
  const names = entries.filter((e) => !e.isDirectory()).map((e) => path.relative(of, path.join(e.parentPath, e.name)))
  return Object.fromEntries(
    await Promise.all(names.sort().map(async (name) => [name, await readFile(path.join(of, name), 'utf8')] as const)),
  )
}

/** The number of a process that has ended. */
function endedProcess(): number {
  return Number(execFileSync(process.execPath, ['-p', 'process.pid']))
}

test('a new folder is made, with the folders above it', async () => {
  folder = path.join(parent, 'a/b/c')
  await saveFolder(folder, textFiles({ x: '1', 'sub/y': '2' }))
  expect(await content()).toEqual({ x: '1', 'sub/y': '2' })
  expect(await readdir(path.join(parent, 'a/b'))).toEqual(['c'])
})

test('a folder is replaced; its other files, folders, links and permissions stay', async () => {
  await mkdir(path.join(folder, 'notes'), { recursive: true, mode: 0o750 })
  await writeFile(path.join(folder, 'notes/a.txt'), 'mine')
  await writeFile(path.join(folder, 'README.md'), 'mine too')
  await writeFile(path.join(folder, 'x'), 'old')
  await writeFile(path.join(folder, 'shard-2'), 'old')
  await symlink('README.md', path.join(folder, 'link'))
  const { mode } = await stat(folder)
  await saveFolder(folder, textFiles({ x: 'new', 'notes/b.txt': 'new' }), {
    replaces: (name) => name.startsWith('shard'),
  })
  expect(await content()).toEqual({
    x: 'new',
    'README.md': 'mine too',
    'notes/a.txt': 'mine',
    'notes/b.txt': 'new',
    link: 'mine too',
  })
  expect(await readlink(path.join(folder, 'link'))).toBe('README.md')
  expect((await stat(folder)).mode).toBe(mode)
  expect(await readdir(parent)).toEqual(['model'])
})

test('saves into one folder at once keep the files of each other', async () => {
  const names = Array.from({ length: 8 }, (_, i) => `file-${i}`)
  await Promise.all(names.map((name) => saveFolder(folder, textFiles({ [name]: name, shared: name }))))
  const { shared, ...own } = await content()
  expect(own).toEqual(Object.fromEntries(names.map((name) => [name, name])))
  expect(names).toContain(shared)
  expect(await readdir(parent)).toEqual(['model'])
})

test('of a pair, the companion that stands beside a file is its own', async () => {
  const [file, companion] = [path.join(parent, 'rows'), path.join(parent, 'rows.json')]
  const bytes = (text: string): FileContent => new TextEncoder().encode(text)
  const failing = function* (): Generator<Uint8Array> {
    yield new Uint8Array(1)
    throw new RangeError('no such row')
  }
  await savePair(file, bytes('1'), companion, bytes('of 1'))
  await expect(savePair(file, bytes('2'), companion, failing)).rejects.toThrow(RangeError)
  await expect(savePair(file, failing, companion, bytes('of 2'))).rejects.toThrow(RangeError)
  expect(await content(parent)).toEqual({ rows: '1', 'rows.json': 'of 1' })
  await savePair(file, bytes('2'), companion, bytes('of 2'))
  expect(await content(parent)).toEqual({ rows: '2', 'rows.json': 'of 2' })
})

test('a link to a folder stays one', async () => {
  await mkdir(path.join(parent, 'real'))
  await symlink('real', folder)
  await saveFolder(folder, textFiles({ x: '1' }))
  expect(await readlink(folder)).toBe('real')
  expect(await content()).toEqual({ x: '1' })
})

test('the working directory is written to without being replaced', async () => {
  await mkdir(folder)
  await writeFile(path.join(folder, 'old-shard'), 'old')
  const inode = (await stat(folder)).ino
  const before = process.cwd()
  process.chdir(folder)
  try {
    await saveFolder('.', textFiles({ x: '1', 'sub/y': '2' }), { replaces: (name) => name === 'old-shard' })
  } finally {
    process.chdir(before)
  }
  expect((await stat(folder)).ino).toBe(inode)
  expect(await readdir(folder)).toEqual(['sub', 'x'])
  expect(await content()).toEqual({ x: '1', 'sub/y': '2' })
})

test('when making a file fails, the old folder is as it was', async () => {
  await saveFolder(folder, textFiles({ x: 'old', y: 'old' }))
  const failing = new Map<string, FileContent>([
    ...textFiles({ x: 'new' }),
    [
      'y',
      function* () {
        yield new TextEncoder().encode('ne')
        throw new RangeError('no such weight')
      },
    ],
  ])
  await expect(saveFolder(folder, failing)).rejects.toThrow('no such weight')
  expect(await content()).toEqual({ x: 'old', y: 'old' })
  expect(await readdir(parent)).toEqual(['model'])
})

test('names outside the folder, and a file where the folder should be, are refused', async () => {
  await expect(saveFolder(folder, textFiles({ '../x': '' }))).rejects.toThrow(InputError)
  await writeFile(folder, 'a file')
  await expect(saveFolder(folder, textFiles({ x: '' }))).rejects.toThrow(FileError)
  await expect(saveFolder(path.join(folder, 'sub'), textFiles({ x: '' }))).rejects.toThrow(FileError)
  expect(await readFile(folder, 'utf8')).toBe('a file')
})

/** What `savingPath` would name it in another process. */
function leftBy(kind: 'partial' | 'replaced', process: { pid?: number; space?: string; started?: string }): string {
  const { pid, space, started } = { ...thisProcess(), ...process }
  const digest = createHash('sha256').update(String(space)).digest('hex').slice(0, 16)
  return path.join(parent, `.model.${kind}-${digest}-${pid}-${started}-abc`)
}

test('what an ended process left behind is removed, what a running one works on is not', async () => {
  const ended = [leftBy('partial', { pid: endedProcess() }), leftBy('partial', { started: '1' })]
  const old = leftBy('partial', { space: 'another machine', pid: 2 })
  const running = [leftBy('partial', {}), leftBy('partial', { space: 'another container' })]
  const ofAnEarlierVersion = path.join(parent, `.model.partial-${hostname()}-${endedProcess()}-abc`)
  for (const leftover of [...ended, old, ...running, ofAnEarlierVersion]) {
    await mkdir(leftover)
    await writeFile(path.join(leftover, 'weights'), '')
  }
  const yesterday = new Date(Date.now() - 25 * 3_600_000)
  await utimes(path.join(old, 'weights'), yesterday, yesterday)
  await utimes(old, yesterday, yesterday)
  await saveFolder(folder, textFiles({ x: '1' }))
  const kept = [...running, ofAnEarlierVersion].map((leftover) => path.basename(leftover))
  expect((await readdir(parent)).sort()).toEqual([...kept, 'model'].sort())
})

test.each([
  ['here', () => leftBy('replaced', { pid: endedProcess() })],
  ['before the machine was started again, or elsewhere', () => leftBy('replaced', { space: 'another start' })],
  ['with an earlier version', () => path.join(parent, `.model.replaced-${hostname()}-${endedProcess()}-abc`)],
])('a process that ended between the two renames leaves the old folder to be opened: %s', async (_, left) => {
  await saveFolder(folder, textFiles({ x: 'old' }))
  await rename(folder, left())
  expect(Buffer.from(await (await openFolder(folder)).bytes('x')).toString()).toBe('old')
  expect(await readdir(parent)).toEqual(['model'])
})

test('what a process elsewhere has set aside stays aside while it puts the new folder in its place', async () => {
  await saveFolder(folder, textFiles({ x: 'old' }))
  const aside = leftBy('replaced', { space: 'another container' })
  await rename(folder, aside)
  setTimeout(() => {
    mkdirSync(folder)
    writeFileSync(path.join(folder, 'x'), 'new')
  }, 200)
  expect(Buffer.from(await (await openFolder(folder)).bytes('x')).toString()).toBe('new')
  expect((await readdir(parent)).sort()).toEqual([path.basename(aside), 'model'])
})

test('a process that is killed at any moment leaves the old folder or the new one', async () => {
  const program = path.join(parent, 'program')
  const parts = ['interrupted-save', 'process-lock', 'make-folder', 'process-identity', 'file-name', 'system-error']
  const hub = parts.map((name) => `src/io/${name}.ts`)
  await compileSources(program, ['src/io/save-folder.ts', 'src/errors.ts', ...hub])
  await writeFile(
    path.join(program, 'main.js'),
    `import { saveFolder } from './src/io/save-folder.js'
     for (let i = 1; ; i++) {
       const content = new TextEncoder().encode(String(i).repeat(3e4))
       const names = ['a', 'b', 'c', 'config.json', ...(i % 2 ? ['odd'] : [])]
       await saveFolder(${JSON.stringify(folder)}, new Map(names.map((n) => [n, content])), { replaces: (n) => n === 'odd' })
       if (i === 1) console.log('ready')
     }`,
  )
  for (let round = 0; round < 25; round++) {
    const child = spawn(process.execPath, [path.join(program, 'main.js')], { stdio: ['ignore', 'pipe', 'inherit'] })
    const ended = new Promise((resolve) => child.once('exit', resolve))
    await new Promise((resolve) => child.stdout.once('data', resolve))
    await new Promise((resolve) => setTimeout(resolve, round))
    child.kill('SIGKILL')
    await ended
    await openFolder(folder)
    const files = await content()
    const [number] = /^(\d+?)(?=\1*$)/.exec(files.a!.slice(0, 300)) ?? []
    const isOdd = Number(number?.at(-1)) % 2 === 1
    expect(Object.keys(files)).toEqual(['a', 'b', 'c', 'config.json', ...(isOdd ? ['odd'] : [])])
    expect(new Set(Object.values(files)).size).toBe(1)
  }
})

test('a single file is written or left as it was', async () => {
  const file = path.join(parent, 'out.npy')
  await saveFile(file, new TextEncoder().encode('one'))
  await expect(
    saveFile(file, function* () {
      yield new Uint8Array(10)
      throw new RangeError('stopped')
    }),
  ).rejects.toThrow('stopped')
  expect(await readFile(file, 'utf8')).toBe('one')
  await saveFile(file, () => [new TextEncoder().encode('t'), new TextEncoder().encode('wo')])
  expect(await readFile(file, 'utf8')).toBe('two')
  expect(await readdir(parent)).toEqual(['out.npy'])
  await expect(saveFile(parent, new Uint8Array(1))).rejects.toThrow(FileError)
})

const onLinux = process.platform === 'linux' ? test : test.skip
onLinux.each(['/proc/model', '/proc/models/model'])(
  'a place where no folder can be made is refused: %s',
  async (place) => {
    await expect(saveFolder(place, textFiles({ a: '1' }))).rejects.toBeInstanceOf(FileError)
  },
)
