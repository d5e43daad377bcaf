import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import ts from 'typescript'

const root = path.join(__dirname, '..')
const run = promisify(execFile)

/** The TypeScript examples of a Markdown file, in their order. */
async function examplesOf(file: string): Promise<string[]> {
  const text = await readFile(path.join(root, file), 'utf8')
  return [...text.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, code = '']) => code)
}

describe('the examples of the README', () => {
  let folder: string
  let files: string[]

  beforeAll(async () => {
    // In the package's own folder, so that they import it by its name, as a user's program does.
    folder = await mkdtemp(path.join(root, 'dist', 'readme-'))
    const examples = await examplesOf('README.md')
    files = examples.map((_, i) => path.join(folder, `example-${i + 1}.mts`))
    await Promise.all(examples.map((code, i) => writeFile(files[i] ?? '', code)))
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  it('compile, and run in a clone', async () => {
    const { options } = ts.parseJsonConfigFileContent(
      ts.readConfigFile(path.join(root, 'tsconfig.json'), (name) => ts.sys.readFile(name)).config,
      ts.sys,
      root,
    )
    const program = ts.createProgram(files, {
      ...options,
      types: ['node'],
      rootDir: folder,
      outDir: folder,
      declaration: false,
      declarationMap: false,
      sourceMap: false,
    })
    const found = [...ts.getPreEmitDiagnostics(program)].map(({ file, messageText }) => {
      return `${path.basename(file?.fileName ?? '')}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`
    })
    expect(found).toEqual([])
    program.emit()
    expect(files.length).toBeGreaterThanOrEqual(9)
    const all = files.map((file) => `await import(${JSON.stringify(file.replace(/\.mts$/, '.mjs'))})`).join('\n')
    await writeFile(path.join(folder, 'all.mjs'), all)
    const { stdout } = await run(process.execPath, [path.join(folder, 'all.mjs')], { cwd: root })
    expect(stdout).toContain('a cat')
  })
})
