/**
 * Tries random functions of tensors, recorded by `jit` and run on the engine, against the same functions run operation by operation.
 *
 *     npm run fuzz:jit -- COUNT [--start SEED] [--mode normal,special,grad,bf16,model] [--isa avx2,portable] [--threads 1,2] [--shrink]
 *
 * Prints each program that differs, is refused or leaks tensors; with `--shrink`, the smallest one that still does. Exits with 1 if
 * there is one. The same seed is the same program. Kernels of processors that this one isn't run if
 * scripts/emulate-processors.js has made them.
 */
import process from 'node:process'
import { setImmediate } from 'node:timers/promises'
import { parseArgs } from 'node:util'

import { SingleBar } from 'cli-progress'

import { useBackend } from '../../../src/backend/backend-node.js'
import { loadEveryKernel } from '../../backends.js'
import { smallest, trials } from './campaign.js'
import { described, faultOf } from './check.js'
import { type Kind, kinds } from './specimen.js'

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    start: { type: 'string', default: '0' },
    mode: { type: 'string', default: 'all' },
    isa: { type: 'string' },
    threads: { type: 'string', default: '1,2' },
    shrink: { type: 'boolean', default: false },
  },
})

// TensorFlow's oneDNN kernel of batched products writes out of bounds for some shapes: what is compared with must be right.
process.env['TF_ENABLE_ONEDNN_OPTS'] = '0'
await useBackend('native', { quiet: true })
const engine = loadEveryKernel()
if ('missing' in engine) throw new Error(`There is no engine: ${engine.missing}. Run \`npm run setup\`.`)

const [count, start] = [wholeNumber(positionals[0] ?? '1000', 'COUNT'), wholeNumber(options.start, '--start')]
const isas = options.isa === undefined ? engine.usable : listOf(options.isa, engine.usable, '--isa')
const campaign = {
  ...{ start, count, isas },
  kinds: options.mode === 'all' ? kinds : listOf<Kind>(options.mode, kinds, '--mode'),
  threads: options.threads.split(',').map((text) => wholeNumber(text, '--threads')),
}

const stop = new AbortController()
process.once('SIGINT', () => {
  stop.abort()
})

const bar = new SingleBar({
  format: 'fuzz:jit {value} of {total}, seed {seed}, {rate} a second, {eta_formatted} left, {faults} faults',
  ...{ stream: process.stderr, noTTYOutput: true, notTTYSchedule: 15_000, etaBuffer: 200, clearOnComplete: true },
})
const faults = new Map<string, number>()
const began = performance.now()
let tried = 0
bar.start(count, 0, { seed: start, rate: '–', faults: 0 })
for await (const trial of trials(engine, campaign)) {
  tried++
  const { seed, kind, specimen, machine, fault } = trial
  if (fault) {
    faults.set(fault.kind, (faults.get(fault.kind) ?? 0) + 1)
    bar.stop()
    process.stdout.write(`\nseed ${seed}, ${kind}: ${described(fault)}\n`)
    if (options.shrink) {
      const small = await smallest(trial)
      const again = await faultOf(small.subject, machine)
      process.stdout.write(`${small.text}\n// ${again ? described(again) : 'not again'}\n`)
    } else {
      process.stdout.write(`${specimen.text}\n`)
    }
    bar.start(count, tried, { seed, rate: '–', faults: total() })
  }
  const rate = (tried / (performance.now() - began)) * 1000
  bar.update(tried, { seed, rate: rate.toFixed(1), faults: total() })
  await setImmediate() // lets Ctrl-C through
  if (stop.signal.aborted) break
}
bar.stop()
const seconds = ((performance.now() - began) / 1000).toFixed(0)
const found = [...faults].map(([kind, number]) => `${number} ${kind}`).join(', ')
process.stdout.write(
  `${tried} programs in ${seconds} s on ${isas.join(', ')}, ${campaign.threads.join(' and ')} threads: ${found || 'no fault'}\n`,
)
process.exitCode = total() > 0 ? 1 : stop.signal.aborted ? 130 : 0

function total(): number {
  return [...faults.values()].reduce((sum, n) => sum + n, 0)
}

function wholeNumber(text: string, name: string): number {
  if (/^\d+$/.test(text)) return Number(text)
  throw new Error(`${name} takes a whole number, not ${text}`)
}

function listOf<T extends string>(text: string, known: readonly T[], name: string): readonly T[] {
  return text.split(',').map((item) => {
    const found = known.find((one) => one === item)
    if (found !== undefined) return found
    throw new Error(`${name} takes ${known.join(', ')}, not ${item}`)
  })
}
