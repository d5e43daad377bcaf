import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { BackendError } from '../../src/errors.js'
import { commonJsLoader } from '../../src/backend/commonjs-loader.js'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'commonjs-'))
})
afterEach(() => rm(folder, { recursive: true }))

async function files(contents: Readonly<Record<string, string>>): Promise<string> {
  await mkdir(join(folder, 'deep'))
  for (const [name, content] of Object.entries(contents)) await writeFile(join(folder, name), content)
  return join(folder, 'main.js')
}

it('evaluates files once, with the packages it is given', async () => {
  const main = await files({
    'main.js':
      'exports.a = require("./deep/a"); exports.again = require("./deep/a.js"); exports.n = require("./deep").n',
    'deep/a.js': 'module.exports = { data: require("../data.json"), tf: require("tf"), where: __dirname }',
    'deep/index.js': 'exports.n = 7',
    'data.json': '{"b":1}',
  })
  const exports = commonJsLoader((name) => `package ${name}`)(main)
  expect(exports).toEqual({
    a: { data: { b: 1 }, tf: 'package tf', where: join(folder, 'deep') },
    again: { data: { b: 1 }, tf: 'package tf', where: join(folder, 'deep') },
    n: 7,
  })
  expect(exports).toHaveProperty('a', (exports as { again: unknown }).again)
})

it('gives every loader its own instance', async () => {
  const main = await files({ 'main.js': 'exports.tf = require("tf")' })
  const [first, second] = [{}, {}].map((tf) => commonJsLoader(() => tf)(main))
  expect(first).not.toBe(second)
})

it('lets files import each other in circles', async () => {
  const main = await files({
    'main.js': 'exports.early = 1; exports.other = require("./deep/b").seen',
    'deep/b.js': 'exports.seen = require("../main").early',
  })
  expect(commonJsLoader(() => undefined)(main)).toEqual({ early: 1, other: 1 })
})

it('says which file is missing', async () => {
  const main = await files({ 'main.js': 'require("./deep/lost")' })
  expect(() => commonJsLoader(() => undefined)(main)).toThrow(BackendError)
})
