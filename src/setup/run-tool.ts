import { spawn } from 'node:child_process'

import { messageOf } from '../io/system-error.js'
import { BackendError } from '../errors.js'
import { packageFolder } from '../backend/package-folder.js'
import { findTool, toolEnvironment } from './find-tool.js'

/** Where and how a tool runs. */
export interface ToolOptions {
  /** Default: this package's folder. Never the user's: tools read settings and code from the folder they run in. */
  readonly cwd?: string
  readonly env?: NodeJS.ProcessEnv
  /** Ends the tool when aborted. */
  readonly signal?: AbortSignal | undefined
}

/**
 * Runs one of the user's own tools to its end, without a shell, and not in the working folder.
 *
 * @returns what it printed to stdout.
 * @throws BackendError if it is not installed, fails (with what it printed of errors) or is ended by the signal.
 */
export async function runTool(command: string, args: readonly string[], options: ToolOptions = {}): Promise<string> {
  const { cwd = packageFolder(), env = process.env, signal } = options
  if (signal?.aborted) throw interrupted()
  const program = findTool(command, env)
  if (program === undefined) throw new BackendError(`\`${command}\` cannot be run`, { found: 'it is not on PATH' })
  const { code, stdout, stderr } = await new Promise<{ code: number | string; stdout: string; stderr: string }>(
    (resolve, reject) => {
      let stdout = ''
      let stderr = ''
      const stdio = ['ignore', 'pipe', 'pipe'] as const
      const child = spawn(program, args, {
        cwd,
        env: toolEnvironment(env),
        signal,
        stdio: [...stdio],
        windowsHide: true,
      })
      child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
      child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
      child.on('error', (error) => {
        if (!signal?.aborted) reject(error)
      })
      // Only when the tool is gone does it no longer write into the folder that is cleared away then.
      child.on('exit', () => {
        if (signal?.aborted) reject(interrupted())
      })
      child.on('close', (code, killedBy) => {
        resolve({ code: code ?? killedBy ?? 'unknown', stdout, stderr })
      })
    },
  ).catch((cause: unknown) => {
    if (signal?.aborted) throw interrupted()
    throw new BackendError(`\`${command}\` cannot be run`, { cause, found: messageOf(cause) })
  })
  if (signal?.aborted) throw interrupted()
  if (code === 0) return stdout
  const said = telling(stderr.trim() || stdout.trim())
  throw new BackendError(`\`${command} ${args[0] ?? ''}\` failed`, { found: `exit ${code}: ${said}` })
}

/** The last lines of a tool's output that speak of errors, or just the last ones. */
function telling(output: string): string {
  const lines = output.split('\n').map((line) => line.trim())
  const errors = lines.filter((line) => /error|cannot|not found|no such/i.test(line))
  return (errors.length > 0 ? errors : lines).slice(-4).join(' | ')
}

/** The error of an interrupted setup. */
export function interrupted(): BackendError {
  return new BackendError('The set-up was interrupted', {
    hint: 'The backend is unchanged; run it again to continue.',
  })
}
