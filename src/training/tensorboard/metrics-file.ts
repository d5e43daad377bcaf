import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, writeFileSync, writeSync } from 'node:fs'
import path from 'node:path'
import { FileError } from '../../errors.js'

/** The values of a line of a metrics file, besides step and time. */
export type Metrics = Readonly<Record<string, number | string | boolean>>

/**
 * A file with a line of JSON for each moment of a run that something was measured at: `{"step":100,"time":1700000000.5,"loss":0.25}`.
 * Values that JSON lacks are written as text: `"NaN"`, `"Infinity"`. What is written is on the disk when the call returns.
 */
export class MetricsFile {
  readonly #file: number

  /**
   * @param file is appended to
   * @param fromStep the step that a run resumes from: lines from it on are removed, and an incomplete last one
   * @param now seconds since 1970
   * @throws {FileError} if it can't be written
   */
  constructor(
    readonly file: string,
    fromStep = Infinity,
    private readonly now: () => number = () => Date.now() / 1000,
  ) {
    this.#file = this.attempt(() => {
      mkdirSync(path.dirname(file), { recursive: true })
      if (existsSync(file)) cut(file, fromStep)
      return openSync(file, 'a')
    })
  }

  /** Adds a line. */
  write(step: number, metrics: Metrics): void {
    const line = JSON.stringify({ step, time: this.now(), ...metrics }, (_, value: unknown) =>
      typeof value === 'number' && !Number.isFinite(value) ? String(value) : value,
    )
    this.attempt(() => writeSync(this.#file, `${line}\n`))
  }

  /** Closes the file; what was written is in it already. */
  close(): void {
    closeSync(this.#file)
  }

  private attempt<T>(work: () => T): T {
    try {
      return work()
    } catch (cause) {
      const found = cause instanceof Error ? cause.message : String(cause)
      throw new FileError('The metrics can’t be written', { found, where: this.file, cause })
    }
  }
}

function cut(file: string, fromStep: number): void {
  const text = readFileSync(file, 'utf8')
  const lines = text.split('\n').filter((line) => stepOf(line) < fromStep)
  const kept = lines.map((line) => `${line}\n`).join('')
  if (kept === text) return
  writeFileSync(`${file}.part`, kept)
  renameSync(`${file}.part`, file) // so that a moment without power leaves one or the other
}

/** NaN, which is below nothing, where a line is none of ours. */
function stepOf(line: string): number {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null && 'step' in value ? Number(value.step) : NaN
  } catch {
    return NaN
  }
}
