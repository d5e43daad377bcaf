import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

/** A program that runs a workload and reports the time of each run. */
export interface Contender {
  readonly name: string
  /** Everything up to and including a first run. */
  prepare(): Promise<void>
  /** @returns milliseconds, or megabytes, of each run */
  run(times: number): Promise<readonly number[]>
  close(): void
}

/** The folder that `bench/peers/setup.sh` fills. */
export const peersFolder = process.env['SIGLIP_TFJS_PEERS'] ?? join(homedir(), '.cache', 'siglip-tfjs-peers')
export const peersPython = join(peersFolder, 'bin', 'python')

export function havePeers(): boolean {
  return existsSync(peersPython)
}

/** A separate Python process that runs one workload: `bench/peers/peer.py`. */
export class PythonPeer implements Contender {
  private process: ChildProcessWithoutNullStreams | undefined
  private readonly waiting: ((answer: string) => void)[] = []
  private trouble = ''

  constructor(
    readonly name: string,
    private readonly workload: Readonly<Record<string, unknown>>,
  ) {}

  async prepare(): Promise<void> {
    await this.ask({ prepare: this.workload })
  }

  async run(times: number): Promise<readonly number[]> {
    const { milliseconds } = await this.ask({ run: times })
    if (!Array.isArray(milliseconds)) throw new Error(`${this.name} answered without times`)
    return milliseconds.map(Number)
  }

  /** Of the packages that do the workload. */
  versions(): Promise<Readonly<Record<string, unknown>>> {
    return this.ask({ versions: true })
  }

  close(): void {
    this.process?.kill()
  }

  private async ask(command: object): Promise<Readonly<Record<string, unknown>>> {
    const peer = (this.process ??= this.start())
    const line = await new Promise<string>((resolve) => {
      this.waiting.push(resolve)
      peer.stdin.write(`${JSON.stringify(command)}\n`)
    })
    const answer: unknown = JSON.parse(line)
    if (typeof answer !== 'object' || answer === null) throw new Error(`${this.name} answered ${line}`)
    if ('error' in answer) throw new Error(String(answer.error))
    return { ...answer }
  }

  private start(): ChildProcessWithoutNullStreams {
    const peer = spawn(peersPython, [join('bench', 'peers', 'peer.py')], { stdio: 'pipe' })
    peer.stderr.on('data', (data: Buffer) => (this.trouble = (this.trouble + data.toString()).slice(-2000)))
    createInterface({ input: peer.stdout }).on('line', (line) => this.waiting.shift()?.(line))
    peer.on('close', () => {
      for (const answer of this.waiting.splice(0)) answer(JSON.stringify({ error: `stopped: ${this.trouble}` }))
    })
    return peer
  }
}

/** A function of this process. */
export class Ours implements Contender {
  private once: (() => unknown) | undefined

  /** @param make prepares the workload and returns what is timed; what it returns is awaited */
  constructor(
    private readonly make: () => Promise<() => unknown>,
    readonly name = 'siglip-tfjs',
  ) {}

  async prepare(): Promise<void> {
    this.once = await this.make()
    await this.once()
  }

  async run(times: number): Promise<readonly number[]> {
    const milliseconds: number[] = []
    for (let i = 0; i < times; i++) {
      const start = performance.now()
      await this.once?.()
      milliseconds.push(performance.now() - start)
    }
    return milliseconds
  }

  close(): void {
    this.once = undefined
  }
}
