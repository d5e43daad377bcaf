import { execFile } from 'node:child_process'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { fixturePath } from '../fixture.js'
import { writeColours } from '../training/colours.js'

it('trains with a loss of its own, and says what it did for the recall', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'siglip-example-'))
  try {
    await writeColours(path.join(folder, 'colours'))
    const program = path.join(__dirname, '..', '..', 'dist', 'examples', 'custom-loss.js')
    const args = [program, path.join(folder, 'colours'), fixturePath('siglip-tiny'), path.join(folder, 'out')]
    const { stdout } = await promisify(execFile)(process.execPath, args)
    expect(stdout).toMatch(/^recall@1 [01]\.\d{3} before, [01]\.\d{3} after\n$/m)
    expect(await readdir(path.join(folder, 'out'))).toEqual(expect.arrayContaining(['checkpoints', 'model']))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
