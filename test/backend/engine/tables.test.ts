import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

import { BackendError } from '../../../src/errors.js'
import { loadEngine } from '../../../src/jit/program/engine.js'
import { tables, tablesDifference } from '../../../src/backend/engine/tables.js'
import { onEngine } from '../../backends.js'

const native = path.join(__dirname, '..', '..', '..', 'native')

/** The list that each macro of ops.def adds to. */
const lists: Readonly<Record<string, Exclude<keyof typeof tables, 'limits'>>> = {
  SIGLIP_DTYPE: 'dtypes',
  SIGLIP_BUFFER: 'buffers',
  SIGLIP_STEP: 'steps',
  SIGLIP_ACTIVATION: 'activations',
  SIGLIP_OTHER: 'operations',
  SIGLIP_UNARY: 'operations',
  SIGLIP_BINARY: 'operations',
  SIGLIP_TERNARY: 'operations',
  SIGLIP_ATTRIBUTE: 'attributes',
}

/** The tables as ops.def has them. */
function definitions(): unknown {
  const made: Record<string, string[]> = Object.fromEntries(Object.values(lists).map((list) => [list, []]))
  const limits: Record<string, number> = {}
  const text = readFileSync(path.join(native, 'program', 'ops.def'), 'utf8')
  for (const [, macro = '', name = '', value = ''] of text.matchAll(/^(SIGLIP_\w+)\(k\w+, "(\w+)"(?:, (\w+))?\)/gm)) {
    if (macro === 'SIGLIP_LIMIT') limits[name] = Number(value)
    else made[lists[macro]!]!.push(name)
  }
  return { limits, ...made }
}

it('has the lists of native/program/ops.def', () => {
  expect(tables).toEqual(definitions())
})

it.each(Object.keys(tables))('names %s where an engine has others', (name) => {
  expect(tablesDifference(tables)).toBeUndefined()
  const { [name as keyof typeof tables]: list, ...rest } = tables
  expect(tablesDifference(rest)).toMatch(new RegExp(`^${name}: expected .* found undefined$`))
  const changed: object = Array.isArray(list) ? list.toReversed() : Object.assign({ more: 1 }, list)
  expect(tablesDifference({ ...tables, [name]: changed })).toContain(`found ${JSON.stringify(changed)}`)
})

onEngine(() => {
  let folder = ''
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'siglip-tables-'))
  })
  afterAll(() => rm(folder, { recursive: true }))

  async function engineWith(changed: object): Promise<string> {
    const file = path.join(folder, `${Math.random()}.cjs`)
    const found = JSON.stringify({ ...tables, ...changed })
    await writeFile(
      file,
      `module.exports = { tables: ${found}, ShapeGraph: 0, attach: 0, create: 0, start: 0, alignedBuffer: 0 }`,
    )
    return file
  }

  it('refuses an engine that encodes programs otherwise, and says what to do', async () => {
    const file = await engineWith({ activations: ['none', 'gelu'] })
    expect(() => loadEngine(file)).toThrow(BackendError)
    expect(() => loadEngine(file)).toThrow(/activations: expected .*npx siglip setup/s)
  })

  it('does without an engine of another version', async () => {
    const file = await engineWith({ limits: { ...tables.limits, encoding: 2 } })
    expect(loadEngine(file)).toHaveProperty('missing', expect.stringMatching(/another version.*npx siglip setup/))
  })
})
