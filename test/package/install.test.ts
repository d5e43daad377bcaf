import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const root = path.join(__dirname, '..', '..')

/** It packs what `npm run build` has written, as `npm test` does first. */
describe('the package in somebody else’s empty folder', () => {
  let folder = ''
  const env = () => ({ ...process.env, SIGLIP_CACHE: path.join(folder, 'cache'), SIGLIP_QUIET: '' })

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'siglip-user-'))
    await run('npm', ['pack', '--ignore-scripts', '--pack-destination', folder], { cwd: root })
    const tarball = (await readdir(folder)).find((name) => name.endsWith('.tgz')) ?? ''
    await mkdir(path.join(folder, 'project'))
    await writeFile(path.join(folder, 'project', 'package.json'), '{"private":true,"type":"module"}')
    await run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', path.join('..', tarball)], {
      cwd: path.join(folder, 'project'),
      maxBuffer: 1 << 26,
    })
  }, 300_000)
  afterAll(() => rm(folder, { recursive: true, force: true }))

  async function program(code: string): Promise<{ stdout: string; stderr: string }> {
    const file = path.join(folder, 'project', 'program.js')
    await writeFile(file, code)
    return run(process.execPath, [file], { cwd: path.dirname(file), env: env() })
  }

  it('runs the user’s own tfjs on WebAssembly, and says in one line how to get the faster backend', async () => {
    const { stdout, stderr } = await program(`
      import * as tf from '@tensorflow/tfjs'
      import { useBackend } from 'siglip-tfjs'
      const { name } = await useBackend()
      console.log(name, tf.getBackend(), tf.matMul([[1, 2]], [[3], [4]]).arraySync())
    `)
    expect(stdout).toBe('wasm wasm [ [ 11 ] ]\n')
    expect(stderr).toMatch(/^siglip-tfjs runs on WebAssembly \S+: .*npx siglip setup`\n$/)
  })

  it('refuses the native backend it has not, in one line that says what to do', async () => {
    const { stdout } = await program(`
      import { useBackend } from 'siglip-tfjs'
      await useBackend('native').catch((error) => console.log(error.name, error.message))
    `)
    expect(stdout).toMatch(/^BackendError .*not built yet.*npx siglip setup`\n$/)
  })
})
