import { BackendError } from '../../src/errors.js'
import { runTool } from '../../src/setup/run-tool.js'

const node = (program: string, signal?: AbortSignal) => runTool(process.execPath, ['-e', program], { signal })

it('gives what a tool prints', async () => {
  expect(await node('console.log("out"); console.error("err")')).toBe('out\n')
})

it('tells how a tool failed: its errors, not its chatter', async () => {
  const program = 'console.error("ERROR: no network\\nsee the log\\ngoodbye"); process.exit(7)'
  const thrown: unknown = await node(program).catch((error: unknown) => error)
  expect(thrown).toBeInstanceOf(BackendError)
  expect(String(thrown)).toMatch(/failed: found exit 7: ERROR: no network$/)
})

it('tells that a tool is missing, or was killed', async () => {
  await expect(runTool('no-such-tool', [])).rejects.toThrow(/`no-such-tool` cannot be run/)
  await expect(node('process.kill(process.pid, "SIGKILL")')).rejects.toThrow(/exit SIGKILL/)
})

it('ends a tool when it is interrupted, also before it began', async () => {
  const stop = new AbortController()
  const running = node('setInterval(() => {}, 1000)', stop.signal)
  stop.abort()
  await expect(running).rejects.toThrow(/interrupted/)
  await expect(node('', AbortSignal.abort())).rejects.toThrow(/interrupted/)
  await expect(runTool('no-such-tool', [], { signal: AbortSignal.abort() })).rejects.toThrow(/interrupted/)
})
