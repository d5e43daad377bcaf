import { spawnSync } from 'node:child_process'
import path from 'node:path'

const root = path.join(__dirname, '..', '..')
const compiler = process.env['CXX'] ?? 'g++'

/** The tests in C++ of this folder; `npm run test:native -- --sanitize` runs them with sanitizers. */
describe('the core of the engine, in C++', () => {
  if (spawnSync(compiler, ['--version']).status !== 0) {
    process.stderr.write(`NOT TESTED: the engine's core, in C++: ${compiler} does not run.\n`)
    it.skip(`${compiler} does not run`, () => undefined)
    return
  }

  it('passes all of its tests', () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, ['scripts/test-native.js'], {
      cwd: root,
      encoding: 'utf8',
    })
    const failed = stdout.match(/^(?:FAIL|\/).*$/gm)
    expect({ status, failed, stderr: status === 0 ? '' : stderr }).toEqual({ status: 0, failed: null, stderr: '' })
    for (const name of ['GemmOf', 'AttentionOf', 'EachOperation', 'CopyOf', 'GatherOf', 'AProductRuns']) {
      expect(stdout).toMatch(new RegExp(`^ok +${name}\\w*: [1-9]\\d* checks, 0 failed`, 'm'))
    }
  }, 600_000)
})
