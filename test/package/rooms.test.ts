import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

interface Import {
  readonly from: string
  readonly to: string
}

/** What the modules of `scripts/`, which are for Node alone, say of the tree. */
interface Findings {
  readonly folders: readonly string[]
  readonly imports: readonly Import[]
  readonly upward: readonly Import[]
  readonly circles: readonly (readonly string[])[]
  readonly circlesOfSample: readonly (readonly string[])[]
}

const sample = ['ab', 'bc', 'ca', 'cd', 'de', 'ff'].map(([from, to]) => ({ from, to }))
const program = `
  import { circlesOf, readImports } from './scripts/import-graph.js'
  import { order, roomOf, rooms, users } from './scripts/rooms.js'
  const folders = rooms.map(({ folder }) => folder)
  const imports = readImports('.', ['src', 'converters', ...users])
  const upward = imports.filter(({ from, to }) => order.indexOf(roomOf(from)) < order.indexOf(roomOf(to)))
  const circlesOfSample = circlesOf(${JSON.stringify(sample)})
  const findings = { folders, imports, upward, circles: circlesOf(imports), circlesOfSample }
  process.stdout.write(JSON.stringify(findings))`

let findings: Findings
beforeAll(() => {
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', program], { maxBuffer: 2 ** 26 })
  findings = JSON.parse(output.toString()) as Findings
})

test('no room imports one below it, type imports and subpath imports counted', () => {
  expect(findings.upward).toEqual([])
})

test('files import each other in no circle, type imports counted', () => {
  expect(findings.circles).toEqual([])
})

test('a subpath import leads to every file behind it', () => {
  const targets = findings.imports.filter(({ from }) => from === 'src/image/decode/decode-image.ts').map(({ to }) => to)
  expect(targets).toEqual(expect.arrayContaining(['src/image/decode/decode-node.ts', 'src/image/decode/decode-web.ts']))
})

test('circles are found', () => {
  expect(findings.circlesOfSample).toEqual([['a', 'b', 'c'], ['f']])
})

test('CONTRIBUTING lists the rooms in their order', () => {
  const rows = [...readFileSync('CONTRIBUTING.md', 'utf8').matchAll(/^\| `(.+)\/`/gm)].map(([, folder]) => folder)
  expect(rows.filter((folder) => folder?.startsWith('src') || folder === 'converters')).toEqual(findings.folders)
})
