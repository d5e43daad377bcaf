import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import path from 'node:path'

const main = path.join(__dirname, '..', '..', 'dist', 'src', 'cli', 'main.js')

/** What a process has left. */
export interface Outcome {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** How it is started, and what happens to it. */
export interface Environment {
  /** What is written to stdin. By default it is empty. */
  readonly input?: string | Uint8Array
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  /** The file descriptor that stdout is written to, instead of being gathered. */
  readonly stdoutTo?: number
  /** What is done to it, once, as soon as it has printed this. Its stdin then stays open. */
  readonly when?: readonly [printed: RegExp, act: (process: ChildProcess) => void]
}

/** The checkpoint folder that the tests run. */
export const model = fixture('siglip-tiny')

/** A path under test/fixtures. */
export function fixture(...parts: string[]): string {
  return path.join(__dirname, '..', 'fixtures', ...parts)
}

/** Runs the command as a user does: what `npm run build` has written. */
export function siglip(
  args: readonly string[],
  { input, env, cwd, stdoutTo, when }: Environment = {},
): Promise<Outcome> {
  if (!existsSync(main)) throw new Error('There is no dist/: run `npm run build` first.')
  const environment = { ...process.env, SIGLIP_MODEL: model, SIGLIP_QUIET: '', NO_COLOR: '', ...env }
  const child = spawn(process.execPath, [main, ...args], {
    cwd,
    env: environment,
    stdio: ['pipe', stdoutTo ?? 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  let waiting = when
  const act = (): void => {
    if (!waiting?.[0].test(stdout + stderr)) return
    const [, does] = waiting
    waiting = undefined
    does(child)
  }
  child.stdout?.on('data', (data) => {
    stdout += String(data)
    act()
  })
  child.stderr?.on('data', (data) => {
    stderr += String(data)
    act()
  })
  if (!when) child.stdin?.end(input)
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.stdin?.on('error', () => undefined) // who does not read it closes it
    child.on('close', (code) => {
      resolve({ code, stdout, stderr })
    })
  })
}

/** The objects of a JSON-lines output. */
export function jsonLines(stdout: string): unknown[] {
  expect(stdout).toMatch(/\n$/)
  return stdout
    .trimEnd()
    .split('\n')
    .map((line): unknown => JSON.parse(line))
}
