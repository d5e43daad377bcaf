/**
 * The project beside its peers, on the machine at hand: a table, and `--json FILE`.
 *
 *     bash bench/peers/setup.sh     # once: PyTorch, transformers, ONNX Runtime, Pillow, tokenizers
 *     npm run bench -- [--only ID,ID] [--rounds N] [--threads N] [--json FILE]
 *
 * All programs run in turn, round after round, so that a busy machine slows them equally; results are medians over the rounds, and
 * the ratio is taken between medians.
 */
import { writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { useBackend } from '../src/index.js'
import { machine } from './machine.js'
import { median } from './median.js'
import { havePeers, PythonPeer, type Contender } from './peer.js'
import { workloads, type Workload } from './workloads.js'

/** One workload's results. */
interface Figures {
  readonly id: string
  readonly title: string
  /** Median milliseconds, or megabytes, of each program that ran it. */
  readonly unit: 'ms' | 'MB'
  readonly medians: Readonly<Record<string, number>>
  readonly gigaflops: number
  readonly ratio?: number
  readonly toReach: number
  readonly reached?: boolean
  readonly trouble: readonly string[]
}

const { values: options } = parseArgs({
  options: {
    only: { type: 'string' },
    rounds: { type: 'string', default: '7' },
    threads: { type: 'string', default: String(availableParallelism()) },
    json: { type: 'string' },
  },
})

/** Who got ready, and what the others stumbled over. */
async function prepared(contenders: readonly Contender[]): Promise<{ ready: Contender[]; trouble: string[] }> {
  const ready: Contender[] = []
  const trouble: string[] = []
  for (const contender of contenders) {
    try {
      await contender.prepare()
      ready.push(contender)
    } catch (error) {
      trouble.push(`${contender.name}: ${error instanceof Error ? error.message : String(error)}`)
      contender.close()
    }
  }
  return { ready, trouble }
}

async function measure(workload: Workload, rounds: number, peak: number): Promise<Figures> {
  const { ready, trouble } = await prepared([workload.ours, ...(havePeers() ? workload.others : [])])
  const samples = new Map(ready.map((contender) => [contender, [] as number[]]))
  for (let round = 0; round < rounds; round++)
    for (const [contender, sample] of samples) sample.push(median(await contender.run(workload.times)))
  for (const contender of ready) contender.close()
  const medians: Record<string, number> = {}
  for (const [{ name }, sample] of samples) medians[name] = median(sample)
  const own = medians[workload.ours.name]
  const best = Math.min(...ready.filter((one) => one !== workload.ours).map(({ name }) => medians[name] ?? Infinity))
  const nearPeak = workload.flops / best / 1e6 > 0.8 * peak
  const toReach = workload.toReach[nearPeak ? 1 : 0]
  const figures = { id: workload.id, title: workload.title, unit: workload.unit, medians, toReach, trouble }
  if (own === undefined) return { ...figures, gigaflops: NaN }
  const gigaflops = workload.flops / own / 1e6
  if (best === Infinity) return { ...figures, gigaflops }
  return { ...figures, gigaflops, ratio: best / own, reached: best / own >= toReach }
}

function line({ title, unit, medians, gigaflops, ratio, toReach, reached, trouble }: Figures): string {
  const times = Object.entries(medians).map(([name, time]) => `${name} ${time.toFixed(time < 10 ? 2 : 1)}`)
  const verdict =
    ratio === undefined
      ? 'no peer'
      : `${ratio.toFixed(2)}× (to reach ${Number(toReach.toFixed(2))}×${reached ? '' : ': NOT reached'})`
  const speed = gigaflops > 0 ? `, ${gigaflops.toFixed(0)} GFLOP/s` : ''
  return [`${title}: ${verdict}${speed}`, `    ${unit}: ${times.join(' · ')}`, ...trouble].join('\n')
}

async function main(): Promise<void> {
  await useBackend()
  const here = machine()
  const asked = new PythonPeer('versions', {})
  const versions = havePeers() ? await asked.versions() : {}
  asked.close()
  console.log(`${here.processor}, ${here.cores} cores, ${here.memory}, ${here.features.join(' ')}, Node ${here.node}`)
  console.log(havePeers() ? JSON.stringify(versions) : 'peers are not installed: run bash bench/peers/setup.sh')
  const only = options.only?.split(',')
  const figures: Figures[] = []
  const peaks = { float32: 0, bfloat16: 0 }
  for (const workload of workloads(Number(options.threads))) {
    const precision = workload.id.includes('float32') ? 'float32' : 'bfloat16'
    if (only && !only.includes(workload.id)) continue
    const result = await measure(workload, Number(options.rounds), peaks[precision])
    if (workload.id.startsWith('product'))
      peaks[precision] = workload.flops / Math.min(...Object.values(result.medians)) / 1e6
    figures.push(result)
    console.log(line(result))
    if (peaks[precision] > 0 && result.gigaflops > 0)
      console.log(`    ${((100 * result.gigaflops) / peaks[precision]).toFixed(0)} % of the peak`)
  }
  if (options.json)
    await writeFile(options.json, `${JSON.stringify({ machine: here, versions, figures }, undefined, 2)}\n`)
  process.exit(0)
}

await main()
