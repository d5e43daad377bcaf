import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'

const root = path.join(__dirname, '..', '..')

it('a loss of 25 lines teaches the model in the box what it was not trained for', async () => {
  expect(
    (await readFile(path.join(root, 'examples', 'custom-loss.ts'), 'utf8')).trimEnd().split('\n').length,
  ).toBeLessThan(26)
  const folder = await mkdtemp(path.join(tmpdir(), 'siglip-example-'))
  try {
    const program = path.join(root, 'dist', 'examples', 'custom-loss.js')
    const { stdout } = await promisify(execFile)(process.execPath, [program, path.join(folder, 'out')], {
      cwd: root,
    })
    const [, before, after] = /^recall@5 of emoji by Spanish words: (\S+) before, (\S+) after\n$/m.exec(stdout) ?? []
    expect(Number(after)).toBeGreaterThan(Number(before) + 0.1)
    expect(await readdir(path.join(folder, 'out'))).toEqual(expect.arrayContaining(['checkpoints', 'model']))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}, 240_000)
