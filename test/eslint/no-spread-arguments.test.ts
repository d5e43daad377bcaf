import { execFile } from 'node:child_process'
import path from 'node:path'
import { promisify } from 'node:util'

/** The lines of the code that the rule refuses, from 1: it is a module of ESLint, which runs in a process of its own. */
async function refused(lines: readonly string[]): Promise<readonly number[]> {
  const script = `
    import ts from 'typescript'
    import { Linter } from 'eslint'
    import { parser } from 'typescript-eslint'
    import { noSpreadArguments } from './eslint/no-spread-arguments.js'
    const code = process.argv[1]
    const options = { target: ts.ScriptTarget.ES2023, strict: true, noResolve: true }
    const host = ts.createCompilerHost(options)
    const { getSourceFile } = host
    host.getSourceFile = (name, ...rest) =>
      name === '/code.ts' ? ts.createSourceFile(name, code, ts.ScriptTarget.ES2023) : getSourceFile(name, ...rest)
    const programs = [ts.createProgram(['/code.ts'], options, host)]
    const found = new Linter({ cwd: '/' }).verify(code, {
      files: ['**/*.ts'],
      plugins: { siglip: { rules: { spread: noSpreadArguments } } },
      rules: { 'siglip/spread': 'error' },
      languageOptions: { parser, parserOptions: { programs } },
    }, { filename: '/code.ts' })
    console.log(JSON.stringify(found.map(({ line, fatal, message }) => fatal ? message : line)))`
  const args = ['--input-type=module', '--eval', script, lines.join('\n')]
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: path.join(__dirname, '..', '..') })
  return JSON.parse(stdout) as number[]
}

const head =
  'declare const list: number[]; declare function f(...numbers: number[]): void; declare class X { constructor(...numbers: number[]) }'

it('refuses a list that is spread over arguments', async () => {
  const lines = [
    'f(...list)',
    'list.push(1, ...list)',
    'Math.max(0, ...list.map((x) => x + 1))',
    'new X(...list)',
    'f(...new Set(list))',
    'declare const open: [number, ...number[]]; f(...open)',
    'declare const either: [number] | number[]; f(...either)',
    'f.apply(undefined, list)',
    'Reflect.apply(f, undefined, [1, ...list])',
    'const own = (...rest: number[]) => { rest = list; f(...rest) }',
    'const other = (rest: number[]) => { f(...rest) }',
  ]
  expect(await refused([head, ...lines])).toEqual(lines.map((_, i) => i + 2))
})

it('allows what can not grow: tuples, rest parameters, and lists in lists', async () => {
  const lines = [
    'declare const pair: readonly [number, number]; f(...pair, 1)',
    'f(...([1, 2] as const))',
    'const own = (...rest: number[]) => { f(...rest); return () => f(...(rest as number[])) }',
    'f.apply(undefined, [1, 2])',
    'console.log([...list, 1], { ...list })',
  ]
  expect(await refused([head, ...lines])).toEqual([])
})
