import { chmod, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { siglip } from '../siglip.js'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'siglip-setup-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

/** Puts a program that does this in the place of all that the set-up calls. */
async function tools(script: string): Promise<Record<string, string>> {
  for (const name of ['npm', 'pip', 'pip3', 'python', 'python3', 'g++', 'c++', 'clang++']) {
    await writeFile(path.join(folder, name), `#!/bin/sh\n${script}\n`)
    await chmod(path.join(folder, name), 0o755)
  }
  return { SIGLIP_CACHE: path.join(folder, 'cache'), PATH: `${folder}:/bin:/usr/bin`, npm_execpath: '' }
}

const left = async () => (await readdir(path.join(folder, 'cache', 'native'))).filter((name) => name !== 'lock')

describe('siglip setup', () => {
  it('says in one line why it fails, and leaves nothing half-made', async () => {
    const { code, stdout, stderr } = await siglip(['setup', '--quiet'], { env: await tools('exit 3') })
    expect(stdout).toBe('')
    expect(stderr).toMatch(/^siglip: The native backend cannot be set up[^\n]*\n$/)
    expect(code).toBe(1)
    expect(await left()).toEqual([])
  })

  it('runs tfjs-node’s own installer only when asked to', async () => {
    expect((await siglip(['setup'], { env: await tools('exit 3') })).stderr).not.toMatch(/own installer/)
    const { stderr, code } = await siglip(['setup', '--official'], { env: await tools('exit 3') })
    expect(stderr).toMatch(/Installing .*with its own installer/)
    expect(code).toBe(1)
  })

  it('stops at Ctrl-C with 130, and leaves nothing half-made', async () => {
    const { code, stderr } = await siglip(['setup'], {
      env: await tools('case "$0" in */npm) exec sleep 60 ;; esac'),
      when: [/Fetching/, (process) => process.kill('SIGINT')],
    })
    expect(stderr).toMatch(/siglip: stopped\n$/)
    expect(code).toBe(130)
    expect(await left()).toEqual([])
  })
})
