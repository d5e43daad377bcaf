import { cpus, totalmem } from 'node:os'
import { readFileSync } from 'node:fs'

/** The machine of the measurements. */
export interface Machine {
  readonly processor: string
  readonly cores: number
  readonly memory: string
  /** Of those that decide how matrices are multiplied. */
  readonly features: readonly string[]
  readonly node: string
}

const DECISIVE = [
  'avx2',
  'fma',
  'avx512f',
  'avx512_vnni',
  'avx512_bf16',
  'amx_tile',
  'amx_bf16',
  'amx_int8',
  'asimd',
  'bf16',
]

export function machine(): Machine {
  let flags: readonly string[] = []
  try {
    flags = /^(?:flags|Features)\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1]?.trim().split(/\s+/) ?? []
  } catch {
    // No such file: not Linux.
  }
  return {
    processor: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    features: DECISIVE.filter((feature) => flags.includes(feature)),
    node: process.version,
  }
}
