import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { BackendError } from '../../src/errors.js'
import { compileAddon, findCompiler } from '../../src/setup/compile-addon.js'
import { type FakeTools, fakeTools } from './fake-tools.js'

let tools: FakeTools
beforeEach(async () => {
  tools = await fakeTools()
})
afterEach(() => tools.remove())

async function sources(backend: string) {
  const binding = join(tools.folder, 'tfjs-node', 'binding')
  await mkdir(binding, { recursive: true })
  await writeFile(join(binding, 'tfjs_backend.cc'), backend)
  const addons = join(tools.folder, 'addons-1')
  return { root: tools.folder, addons, libraries: ['cc.so', 'framework.so'] } as const
}
const shared = 'static std::set<std::string> ATTR_NAME_SET;'

it('looks for a compiler, the user’s own first', async () => {
  await expect(findCompiler()).rejects.toThrow(/No C\+\+ compiler works here.*Install g\+\+/)
  await tools.tool('c++', '')
  expect(await findCompiler()).toBe('c++')
  await tools.tool('clang++', '')
  expect(await findCompiler()).toBe('clang++')
  await tools.tool('g++', 'process.exit(1)')
  expect(await findCompiler()).toBe('clang++')
  process.env['CXX'] = 'no-such-compiler'
  await expect(findCompiler()).rejects.toThrow(BackendError)
})

it('compiles the binding beside the libraries, safe for worker threads', async () => {
  await tools.tool(
    'g++',
    `appendFileSync(${JSON.stringify(join(tools.folder, 'calls'))}, args.join(' ') + '\\n')
     writeFileSync(args[args.indexOf('-o') + 1], 'addon')`,
  )
  const command = await compileAddon({ ...(await sources(`a ${shared} b`)), compiler: 'g++' })
  const [binding, quiet] = (await readFile(join(tools.folder, 'calls'), 'utf8')).split('\n')
  expect(command).toBe(`g++ ${binding ?? ''}`)
  expect(binding).toMatch(
    /-DNAPI_VERSION=8 .*-I\S*tfjs-node\/binding -I\S*native -I\S*headers \S*native\/tensorflow\/binding\.cc .*cc\.so .*framework\.so .*-Wl,-rpath/,
  )
  expect(quiet).toMatch(/-DFRAMEWORK="\.\.\/lib\/framework\.so".*quiet\.cc/)
  expect(await readFile(join(tools.folder, 'addons-1', 'tfjs_binding.node'), 'utf8')).toBe('addon')
  const source = await readFile(join(tools.folder, 'tfjs-node', 'binding', 'tfjs_backend.cc'), 'utf8')
  expect(source).toBe(`a ${shared.replace('static', 'static thread_local')} b`)
})

it('tells what the compiler said', async () => {
  await tools.tool('g++', 'console.error("error: no such header"); process.exit(1)')
  await expect(compileAddon({ ...(await sources(shared)), compiler: 'g++' })).rejects.toThrow(/no such header/)
})

it('refuses sources that are not those it knows', async () => {
  await expect(compileAddon({ ...(await sources('other')), compiler: 'g++' })).rejects.toThrow(/not the one expected/)
})
