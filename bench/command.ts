import { spawnSync } from 'node:child_process'
import type { Contender } from './peer.js'

/** A program that is started for each run. */
export class Command implements Contender {
  /**
   * @param measure `time` in milliseconds from start to end; `printed`, the milliseconds that it prints as `milliseconds N`; or
   * `memory`, the peak in MB that it prints as `peak BYTES`
   */
  constructor(
    readonly name: string,
    private readonly command: readonly [string, ...string[]],
    private readonly measure: 'time' | 'printed' | 'memory',
  ) {}

  prepare(): Promise<void> {
    this.once() // so that all files are in the system's cache
    return Promise.resolve()
  }

  run(times: number): Promise<readonly number[]> {
    return Promise.resolve(Array.from({ length: times }, () => this.once()))
  }

  close(): void {
    // Nothing runs between two runs.
  }

  private once(): number {
    const [program, ...args] = this.command
    const start = performance.now()
    const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', maxBuffer: 2 ** 26 })
    const time = performance.now() - start
    if (status !== 0) throw new Error(`${program} ended with ${status}: ${stderr.slice(-500)}`)
    if (this.measure === 'time') return time
    if (this.measure === 'printed') return Number(/^milliseconds (\S+)$/m.exec(stdout)?.[1])
    return Number(/^peak (\d+)$/m.exec(stdout)?.[1]) / 1e6
  }
}
