import { isMainThread } from 'node:worker_threads'

/** Prints a line for the user to stderr, unless the environment has `SIGLIP_QUIET=1`. */
export function notify(line: string): void {
  if (isMainThread && process.env['SIGLIP_QUIET'] !== '1') process.stderr.write(`${line}\n`)
}
