import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { codeOf, compile, root } from './markdown.js'

const run = promisify(execFile)

describe('the examples of the README', () => {
  let folder: string
  let files: string[]

  beforeAll(async () => {
    // In the package's own folder, so that they import it by its name, as a user's program does.
    folder = await mkdtemp(path.join(root, 'dist', 'readme-'))
    const examples = await codeOf('README.md', 'ts')
    files = examples.map((_, i) => path.join(folder, `example-${i + 1}.mts`))
    await Promise.all(examples.map((code, i) => writeFile(files[i] ?? '', code)))
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  it('compile, and run in a clone', async () => {
    expect(compile(files, folder)).toEqual([])
    expect(files.length).toBeGreaterThanOrEqual(9)
    const all = files.map((file) => `await import(${JSON.stringify(file.replace(/\.mts$/, '.mjs'))})`).join('\n')
    await writeFile(path.join(folder, 'all.mjs'), all)
    const { stdout } = await run(process.execPath, [path.join(folder, 'all.mjs')], { cwd: root })
    expect(stdout).toMatch(/^rainbow 0\.[5-9]\d{2}\n(hamburger|dog face) 0\.0\d{2}\n/)
    expect(stdout).toContain('examples/emoji/gallery/pictures/hot-beverage.png\n')
  })
})
