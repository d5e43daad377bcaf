import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'

import { cacheFolder } from '../../src/backend/cache-folder.js'

const root = join(__dirname, '..', '..')
const builds = ['relaxed-simd', 'simd']
const bytesOf = (build: string, folder = join(root, 'engines')) => readFileSync(join(folder, `engine-${build}.wasm`))
const hashOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

/** What scripts print, or why they don't. */
function node(...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' })
  expect({ status, stderr: status === 0 ? '' : stderr }).toEqual({ status: 0, stderr: '' })
  return stdout
}

describe('the engines for WebAssembly', () => {
  it('are built from the sources that are here', () => {
    const script = "import('./scripts/engines/wasm.js').then(async (m) => console.log(await m.wasmSources()))"
    const record: unknown = JSON.parse(readFileSync(join(root, 'engines', 'engines.json'), 'utf8'))
    expect(record).toEqual({
      sources: node('-e', script).trim(),
      builds: Object.fromEntries(builds.map((build) => [build, hashOf(bytesOf(build))])),
    })
  })

  it.each(builds)('are small for a page: %s', (build) => {
    expect(gzipSync(bytesOf(build)).length).toBeLessThan(350_000)
  })

  const toolchain = join(cacheFolder(), 'ziglang-0.17.0')
  if (!existsSync(toolchain)) {
    process.stderr.write(
      'NOT TESTED: that the engines are built the same again: `npm run build:engines` has not run.\n',
    )
    it.skip('the toolchain is missing', () => undefined)
    return
  }
  it('are the same to the byte when they are built again', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'siglip-engines-'))
    try {
      node('scripts/build-engines.js', '--out', folder, '--objects', join(folder, 'objects'))
      for (const build of builds) expect(hashOf(bytesOf(build, folder))).toBe(hashOf(bytesOf(build)))
    } finally {
      await rm(folder, { recursive: true })
    }
  }, 900_000)
})
