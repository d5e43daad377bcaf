import { FileError, SiglipError, UsageError } from '../errors.js'
import { printable } from './printable.js'

/** The exit code after each of the things that stop a command from outside. */
const STOPS = { SIGINT: 130, SIGTERM: 143, EPIPE: 0 } as const

/** Characters of an error's message that are printed: our own are shorter, others may quote a whole file. */
const MAX_MESSAGE = 20_000

/** One run of the command line: its abort signal, messages and exit code. */
export class Session {
  /** Everything is printed by this, so that a progress bar can stand aside. */
  print = (write: () => void): void => {
    write()
  }
  /** Milliseconds that a stopped command has to tidy up. */
  grace = 5000
  readonly #controller = new AbortController()
  #exitCode = 0
  #debug = false
  #quiet = false

  /** Aborted when the user presses Ctrl-C, or the output is no longer read. */
  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** What the process ends with. */
  get exitCode(): number {
    return this.#exitCode
  }

  /** Whether to keep quiet about all but errors. */
  get quiet(): boolean {
    return this.#quiet
  }

  /** Takes the options that all commands have. */
  configure({ debug = false, quiet = false }: { readonly debug?: boolean; readonly quiet?: boolean }): void {
    this.#debug = debug
    this.#quiet = quiet
    if (quiet) process.env['SIGLIP_QUIET'] = '1' // for what runs below
  }

  /** Listens for Ctrl-C, and for the end of the process that reads the output (`| head`). A second Ctrl-C kills. */
  watchProcess(): void {
    for (const name of ['SIGINT', 'SIGTERM'] as const) {
      process.once(name, () => {
        this.#stop(name)
      })
    }
    process.stdout.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') this.#stop('EPIPE')
      else this.#stopWriting(error)
    })
    process.stderr.on('error', () => undefined) // the error can't be reported
    process.on('uncaughtException', (error) => {
      this.fail(error)
      process.exit()
    })
  }

  /** Says an error in one line on stderr; the exit code will be 2 after wrong use, else 1. */
  fail(error: unknown): void {
    this.#exitCode = error instanceof UsageError ? 2 : Math.max(this.#exitCode, 1)
    process.exitCode = this.#exitCode
    const message = (error instanceof Error ? error.message : String(error)).slice(0, MAX_MESSAGE)
    const hint = error instanceof SiglipError || this.#debug ? '' : '. Run it again with --debug to see where.'
    const stack = this.#debug && error instanceof Error ? `${stackOf(error)}\n` : ''
    this.#write(`siglip: ${printable(message.replace(/\s+/g, ' '))}${hint}\n${stack}`)
  }

  /** Says something beside the results, on stderr. */
  say(message: string): void {
    if (!this.#quiet) this.#write(`${printable(message)}\n`)
  }

  #write(text: string): void {
    this.print(() => process.stderr.write(text))
  }

  /** Standard output takes no more, e.g. because the disk is full. */
  #stopWriting(cause: NodeJS.ErrnoException): void {
    const hint = cause.code === 'ENOSPC' ? 'Free space on the disk.' : undefined
    this.fail(new FileError('The results can’t be written', { found: cause.code, where: 'stdout', hint, cause }))
    this.#controller.abort()
  }

  #stop(by: keyof typeof STOPS): void {
    this.#exitCode = STOPS[by]
    if (by !== 'EPIPE') this.#write('siglip: stopped\n')
    this.#controller.abort()
    setTimeout(() => process.exit(this.#exitCode), this.grace).unref()
  }
}

/** The stacks of an error and of those underneath. */
function stackOf(error: Error): string {
  const lines = (error.stack ?? error.message).split('\n').map(printable).join('\n')
  return error.cause instanceof Error ? `${lines}\ncaused by ${stackOf(error.cause)}` : lines
}
