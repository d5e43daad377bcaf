import { CommanderError } from 'commander'
import { UsageError } from '../errors.js'
import { BrokenDataError } from '../training/data/broken-sample.js'
import { siglipProgram } from './program.js'
import { Session } from './session.js'

/**
 * Runs the command line.
 *
 * @param argv as in `process.argv`
 * @returns the exit code: 0; 1 if something failed; 2 if it was used wrongly; 130 after Ctrl-C
 */
export async function run(argv: readonly string[]): Promise<number> {
  const session = new Session()
  session.watchProcess()
  try {
    await siglipProgram(session).parseAsync(argv)
  } catch (error) {
    // After a stop, whatever was thrown only says so.
    if (session.signal.aborted || isHelp(error)) return session.exitCode
    if (error instanceof BrokenDataError) for (const other of error.others) session.say(other)
    session.fail(inOurWords(error))
  }
  return session.exitCode
}

/** commander throws as well after it has printed what was asked for. */
function isHelp(error: unknown): boolean {
  return error instanceof CommanderError && error.exitCode === 0
}

/** commander's errors as one line: `error: unknown option '--lable'\n(Did you mean --label?)`. */
function inOurWords(error: unknown): unknown {
  if (!(error instanceof CommanderError)) return error
  if (error.code === 'commander.help') return new UsageError('Missing command', { hint: 'See `siglip --help`.' })
  const [what = '', suggestion] = error.message.replace(/^error: /, '').split('\n')
  const hint = suggestion?.replace(/^\((.*)\)$/, '$1')
  return new UsageError(what.replace(/\.$/, ''), { hint, cause: error })
}
