import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'

import { findTool, toolEnvironment } from '../../src/setup/find-tool.js'
import { runTool } from '../../src/setup/run-tool.js'

const PROGRAMS = ['g++', 'clang++', 'c++', 'npm', 'node', 'pip', 'pip3', 'python', 'python3', 'sh', 'env', 'uname']
const root = path.join(__dirname, '..', '..')
const main = path.join(root, 'dist', 'src', 'cli', 'main.js')

/** A folder full of what runs if a tool takes code or settings from the folder it is started in. */
let hostile = ''
let caught = ''
beforeEach(async () => {
  hostile = await mkdtemp(path.join(tmpdir(), 'hostile-'))
  caught = path.join(hostile, 'caught')
  const write = async (name: string, content: string): Promise<void> => {
    const file = path.join(hostile, name)
    await mkdir(path.dirname(file), { recursive: true })
    await writeFile(file, content)
    await chmod(file, 0o755)
  }
  for (const name of PROGRAMS) await write(name, `#!/bin/sh\necho "$0" >> ${caught}\nexit 1\n`)
  const python = `open(${JSON.stringify(caught)}, 'a').write(__file__ + '\\n')\n`
  for (const name of ['pip.py', 'sitecustomize.py', 'usercustomize.py', 'json.py', 'runpy.py'])
    await write(name, python)
  const javascript = `require('node:fs').appendFileSync(${JSON.stringify(caught)}, __filename + '\\n')`
  for (const name of ['@tensorflow/tfjs-node', '@tensorflow/tfjs', 'node-api-headers', 'google-protobuf', 'sharp']) {
    await write(`node_modules/${name}/package.json`, JSON.stringify({ name, version: '4.22.0', main: 'index.js' }))
    await write(`node_modules/${name}/index.js`, javascript)
  }
  await write('package.json', '{"name":"hostile","version":"1.0.0"}')
  await write('.npmrc', 'registry=http://127.0.0.1:9/hostile/\n')
  await write('pip.conf', '[global]\nindex-url = http://127.0.0.1:9/hostile/\n')
})
afterEach(() => rm(hostile, { recursive: true }))

const environment = (): NodeJS.ProcessEnv => ({
  ...process.env,
  PATH: ['.', '', './', process.env['PATH']].join(path.delimiter),
  NODE_PATH: '.:node_modules',
  PYTHONPATH: '.',
  CPATH: '.',
  npm_config_local_prefix: hostile,
  XDG_CACHE_HOME: '.',
})

it('finds programs on PATH, but none in the folder it is in', () => {
  const env = environment()
  const before = process.cwd()
  process.chdir(hostile)
  try {
    expect(findTool('g++', { PATH: '.' })).toBeUndefined()
    expect(findTool('g++', { PATH: '' })).toBeUndefined()
    expect(findTool('g++', {})).toBeUndefined()
    expect(findTool('node', env)).toMatch(/^\/(?!.*hostile)/)
    expect(findTool('./g++', env)).toBe(path.resolve('g++')) // asked for by its path
    expect(findTool('g++', { Path: hostile })).toBe(path.join(hostile, 'g++'))
  } finally {
    process.chdir(before)
  }
  expect(toolEnvironment({ PATH: `.:${hostile}:`, A: 'b' })).toEqual({ PATH: hostile, A: 'b' })
})

it('runs a tool elsewhere than in the folder it is in', async () => {
  const before = process.cwd()
  process.chdir(hostile)
  try {
    expect(await runTool(process.execPath, ['-p', 'process.cwd()'])).toBe(`${root}\n`)
  } finally {
    process.chdir(before)
  }
})

/** The user's real tools, which do as much of their work as no network needs, and say where they run. */
async function realTools(bin: string): Promise<string> {
  const log = path.join(bin, 'log')
  await mkdir(bin)
  const tool = async (name: string, real: string, unless: string): Promise<void> => {
    const file = path.join(bin, name)
    await writeFile(
      file,
      `#!/bin/sh\necho "${name} $PWD $*" >> ${log}\ncase "$*" in ${unless}) exit 7 ;; esac\nexec ${real} "$@"\n`,
    )
    await chmod(file, 0o755)
  }
  await symlink(process.execPath, path.join(bin, 'node'))
  for (const [name, unless] of [
    ['npm', 'pack*'],
    ['python3', '*download*'],
    ['g++', '*-shared*'],
  ] as const) {
    const real = findTool(name)
    if (real !== undefined) await tool(name, real, unless)
  }
  return log
}

it.each([[['setup']], [['setup', '--official']], [['doctor']], [['--version']]])(
  'runs nothing of what lies in the folder it is in: siglip %s',
  async (args) => {
    const tools = await mkdtemp(path.join(tmpdir(), 'tools-'))
    try {
      const log = await realTools(path.join(tools, 'bin'))
      const PATH = `.::${path.join(tools, 'bin')}:/usr/bin:/bin`
      const env = { ...environment(), SIGLIP_CACHE: path.join(tools, 'cache'), PATH }
      const { stderr } = spawnSync(process.execPath, [main, ...args], { cwd: hostile, env, encoding: 'utf8' })
      expect(existsSync(caught) ? await readFile(caught, 'utf8') : '').toBe('')
      if (args[0] === 'setup') {
        expect(stderr).toMatch(/cannot be set up.*exit 7/)
        expect(await readFile(log, 'utf8')).toMatch(/npm .*pack/)
        expect(await readFile(log, 'utf8')).not.toContain(hostile)
      }
    } finally {
      await rm(tools, { recursive: true })
    }
  },
)

it('asks neither the .npmrc nor the Python modules that lie there', () => {
  const program = `
    import { runNpm } from ${JSON.stringify(path.join(root, 'dist/src/setup/tfjs-node-package.js'))}
    import { mkdtempSync, writeFileSync } from 'node:fs'
    const folder = mkdtempSync(${JSON.stringify(path.join(hostile, 'inside-'))})
    writeFileSync(folder + '/package.json', '{"private":true}')
    console.log(await runNpm(['config', 'get', 'registry'], folder))`
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    cwd: hostile,
    env: environment(),
    encoding: 'utf8',
  })
  expect(stdout).toMatch(/^http/)
  expect(stdout).not.toContain('hostile')
  expect(existsSync(caught)).toBe(false)
})
