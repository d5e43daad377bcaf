import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { compileObject } from '../../src/setup/compile-object.js'
import { type FakeTools, fakeTools } from './fake-tools.js'

let tools: FakeTools
let native = ''
let calls = ''
beforeEach(async () => {
  tools = await fakeTools()
  native = join(tools.folder, 'native c# $sources')
  calls = join(tools.folder, 'calls')
  await mkdir(native)
  await writeFile(join(native, 'a.cc'), '#include "a.h"')
  await writeFile(join(native, 'a.h'), 'int a;')
  await writeFile(join(native, 'b.h'), 'int b;')
  await writeFile(calls, '')
  await writeFile(join(tools.folder, 'c.h'), 'int c;')
  const escaped = native.replace(/[ #]/g, '\\$&').replace('$', '$$$$')
  const rule = `x.o: ${escaped}/a.cc ${escaped}/../c.h \\\n ${escaped}/a.h`
  await tools.tool(
    'g++',
    `const after = (name) => args[args.indexOf(name) + 1]
     appendFileSync(${JSON.stringify(calls)}, 'x')
     writeFileSync(after('-MF'), ${JSON.stringify(rule)})
     writeFileSync(after('-o'), 'object')`,
  )
})
afterEach(() => tools.remove())

async function compile(flags: readonly string[] = ['-O3']): Promise<number> {
  const object = join(tools.folder, 'objects', 'a.cc.o')
  const before = (await readFile(calls, 'utf8')).length
  await compileObject({ compiler: 'g++', flags, source: join(native, 'a.cc'), object })
  expect(await readFile(object, 'utf8')).toBe('object')
  return (await readFile(calls, 'utf8')).length - before
}

it('compiles only what has changed', async () => {
  expect(await compile()).toBe(1)
  expect(await compile()).toBe(0)
  await writeFile(join(native, 'b.h'), 'another')
  expect(await compile()).toBe(0)
  await writeFile(join(native, 'a.h'), 'another')
  expect(await compile()).toBe(1)
  await writeFile(join(native, 'a.cc'), 'another')
  expect(await compile()).toBe(1)
  await writeFile(join(tools.folder, 'c.h'), 'another')
  expect(await compile()).toBe(1)
  expect(await compile(['-O2'])).toBe(1)
  expect(await compile(['-O2'])).toBe(0)
})

it('compiles anew where the object is not what it made', async () => {
  await compile()
  await writeFile(join(tools.folder, 'objects', 'a.cc.o'), '')
  expect(await compile()).toBe(1)
  expect((await readdir(join(tools.folder, 'objects'))).sort()).toEqual(['a.cc.o', 'a.cc.o.json'])
})

it('compiles anew where what it knows is damaged', async () => {
  await compile()
  await writeFile(join(tools.folder, 'objects', 'a.cc.o.json'), '{"command": 1')
  expect(await compile()).toBe(1)
})

it('tells what the compiler said and leaves no object', async () => {
  await tools.tool('g++', 'console.error("error: no such type"); process.exit(1)')
  await expect(compile()).rejects.toThrow(/no such type/)
  await expect(readFile(join(tools.folder, 'objects', 'a.cc.o'))).rejects.toThrow()
})
