import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { appendFile, chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'

import { findTool } from '../../src/setup/find-tool.js'
import { nodeApiHeaders } from '../../src/setup/compile-addon.js'
import { installPackage } from '../installed-package.js'

const compiler = process.platform === 'linux' ? findTool('g++') : undefined
const whenCompiled = compiler === undefined ? it.skip : it

let project = ''
let at = ''
let folder = ''
beforeEach(async () => {
  project = await mkdtemp(path.join(tmpdir(), 'siglip-rebuild-'))
  at = await installPackage(project)
})
afterEach(() => rm(project, { recursive: true }))

const env = (): NodeJS.ProcessEnv => ({
  ...process.env,
  SIGLIP_CACHE: path.join(project, 'cache'),
  PATH: path.join(project, 'bin'),
})

/**
 * A compiler that makes of everything an addon which exports TensorFlow's version and which build it is of, from the first line of a
 * source; the addons are compiled once for each build.
 */
async function fakeCompiler(): Promise<void> {
  const bin = path.join(project, 'bin')
  await mkdir(bin)
  const source = `
    #include <node_api.h>
    NAPI_MODULE_INIT() {
      napi_value text;
      napi_create_string_utf8(env, "2.21.0", NAPI_AUTO_LENGTH, &text);
      napi_set_named_property(env, exports, "TF_Version", text);
      napi_create_string_utf8(env, BUILD, NAPI_AUTO_LENGTH, &text);
      napi_set_named_property(env, exports, "build", text);
      return exports;
    }`
  await writeFile(path.join(bin, 'addon.cc'), source)
  const program = `#!${process.execPath}
    const args = process.argv.slice(2), { execFileSync } = require('node:child_process'), fs = require('node:fs')
    if (args.includes('-fsyntax-only') || args.includes('--version')) process.exit(0)
    const after = (name) => args[args.indexOf(name) + 1]
    if (args.includes('-MF')) fs.writeFileSync(after('-MF'), 'x.o: ' + after('-c'))
    if (!args.includes('-shared')) { fs.writeFileSync(after('-o'), 'object'); process.exit(0) }
    const build = fs.readFileSync(${JSON.stringify(path.join(at, 'native', 'program', 'threads.h'))}, 'utf8').split('\\n')[0].slice(3)
    execFileSync(${JSON.stringify(compiler)}, ['-shared', '-fPIC', '-I${nodeApiHeaders()}', '-DBUILD="' + build + '"',
      ${JSON.stringify(path.join(bin, 'addon.cc'))}, '-o', after('-o')], { env: { PATH: '/usr/bin:/bin' } })`
  await writeFile(path.join(bin, 'g++'), program)
  await chmod(path.join(bin, 'g++'), 0o755)
}

/** Another version of the sources. */
async function changeSources(build: string): Promise<void> {
  const file = path.join(at, 'native', 'program', 'threads.h')
  const text = await readFile(file, 'utf8')
  await writeFile(file, `// ${build}\n${text.replace(/^\/\/ .*\n/, '')}`)
}

/** A folder as an earlier version of this package built it: everything in one, the addons among the libraries. */
async function builtFolder(): Promise<void> {
  const program = `
    import { nativeFolderPath } from ${JSON.stringify(path.join(at, 'dist/src/backend/native-folder.js'))}
    console.log(nativeFolderPath())`
  folder = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    env: env(),
    encoding: 'utf8',
  }).stdout.trim()
  await mkdir(path.join(folder, 'lib'), { recursive: true })
  await mkdir(path.join(folder, 'tfjs-node', 'binding'), { recursive: true })
  await writeFile(
    path.join(folder, 'tfjs-node', 'binding', 'tfjs_backend.cc'),
    'static thread_local std::set<std::string> ATTR_NAME_SET;',
  )
  const files: Record<string, { size: number; sha256: string }> = {}
  await changeSources('first')
  for (const name of ['tfjs_binding.node', 'engine.node', 'quiet.node']) {
    const file = path.join(folder, 'lib', name)
    spawnSync(path.join(project, 'bin', 'g++'), ['-shared', '-o', file])
    files[`lib/${name}`] = { size: (await readFile(file)).length, sha256: '' }
  }
  const marker = {
    tfjsNode: '4.22.0',
    tensorflow: '2.21.0',
    addon: 'lib/tfjs_binding.node',
    compiler: 'g++',
    sources: 'other',
    noEngine: null,
    files,
  }
  await writeFile(path.join(folder, 'installed.json'), JSON.stringify(marker))
}

const setup = () =>
  spawn(process.execPath, [path.join(at, 'dist', 'src', 'cli', 'main.js'), 'setup', '--quiet'], {
    env: env(),
    stdio: ['ignore', 'ignore', 'pipe'],
  })

whenCompiled(
  'a rebuild that is killed or fails at any moment leaves what programs load, never a mix of two',
  async () => {
    await fakeCompiler()
    await builtFolder()
    // Loads over and over what is there, and writes down of which build addon and engine are.
    const seen = path.join(project, 'seen')
    await writeFile(
      path.join(project, 'load.mjs'),
      `import { createRequire } from 'node:module'
     import { appendFileSync } from 'node:fs'
     import path from 'node:path'
     import { addonPaths, useNativeFolder } from ${JSON.stringify(path.join(at, 'dist/src/backend/native-folder.js'))}
     const require = createRequire(import.meta.url)
     process.on('SIGTERM', () => process.exit())
     for (;;) {
       const build = useNativeFolder(({ path: folder, marker }) => {
         const addon = path.join(folder, marker.addon)
         return require(addon).build + ' ' + require(addonPaths(path.dirname(addon)).engine).build
       })
       appendFileSync(${JSON.stringify(seen)}, (build.missing ?? build) + '\\n')
       await new Promise((resolve) => setTimeout(resolve, 1))
     }`,
    )
    const reader = spawn(process.execPath, [path.join(project, 'load.mjs')], {
      env: env(),
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    const stopped = once(reader, 'exit')
    for (let round = 0; round < 8; round++) {
      await changeSources(`killed-${round}`)
      const killed = setup()
      setTimeout(() => killed.kill('SIGKILL'), 250 + round * 120)
      await once(killed, 'exit')
      if (round % 3 === 0) {
        await changeSources(`whole-${round}`)
        expect(await once(setup(), 'exit')).toEqual([0, null])
      }
    }
    await changeSources('last')
    expect(await once(setup(), 'exit')).toEqual([0, null])
    await new Promise((resolve) => setTimeout(resolve, 300))
    reader.kill('SIGTERM')
    await stopped
    const lines = [...new Set((await readFile(seen, 'utf8')).trim().split('\n'))]
    for (const line of lines) expect(line).toMatch(/^(first|(?:killed|whole)-\d|last) \1$/)
    expect(lines[0]).toBe('first first')
    expect(lines.at(-1)).toBe('last last')
    const left = (await readdir(folder)).sort()
    expect(left.filter((name) => name.startsWith('addons-'))).toHaveLength(1)

    await changeSources('broken')
    await appendFile(path.join(project, 'bin', 'g++'), '\nprocess.exit(1)')
    await writeFile(path.join(project, 'bin', 'g++'), '#!/bin/sh\nexit 1\n')
    expect((await once(setup(), 'exit'))[0]).toBe(1)
    expect((await readdir(folder)).sort()).toEqual(left)
  },
  60_000,
)
