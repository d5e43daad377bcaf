import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cpus } from 'node:os'

/** The processor, as far as it matters for speed. */
export interface ProcessorInfo {
  readonly model: string
  /** Hardware threads. */
  readonly threads: number
  /** Those of AVX2, AVX-512, BF16, AMX and NEON that it has; `undefined` where the system does not tell. */
  readonly features: readonly string[] | undefined
}

/** Names in `/proc/cpuinfo` and `sysctl`, and what they are called here. */
const FEATURES: readonly (readonly [name: string, pattern: RegExp])[] = [
  ['AVX2', /\bavx2\b/i],
  ['AVX-512', /\bavx512f\b/i],
  ['BF16', /\b(?:avx512_bf16|bf16|FEAT_BF16: 1)\b/i],
  ['AMX', /\bamx[_-]tile\b/i],
  ['NEON', /\b(?:asimd|neon|AdvSIMD: 1)\b/i],
]

/** Asks the system: `/proc/cpuinfo` on Linux, `sysctl` on macOS; elsewhere only Node's own knowledge is there. */
export function cpuInfo(): ProcessorInfo {
  const all = cpus()
  const text = featureText()
  return {
    model: all[0]?.model.trim() ?? 'unknown',
    threads: all.length,
    features: text === undefined ? undefined : featuresIn(text),
  }
}

/** The features that a text of `/proc/cpuinfo` or `sysctl` names. */
export function featuresIn(text: string): string[] {
  const present = text.replace(/^.*: 0$/gm, '') // sysctl lists what is not there, too
  return FEATURES.filter(([, pattern]) => pattern.test(present)).map(([name]) => name)
}

function featureText(): string | undefined {
  try {
    if (process.platform === 'linux') {
      return /^(?:flags|Features)\s*:.*$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[0]
    }
    if (process.platform === 'darwin') {
      return execFileSync('/usr/sbin/sysctl', ['machdep.cpu', 'hw.optional'], { encoding: 'utf8', stdio: 'pipe' })
    }
  } catch {
    // A container without /proc, a Mac without sysctl: then it is unknown.
  }
  return undefined
}
