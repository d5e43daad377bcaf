/**
 * The effect of each rewrite: the image tower of base size, batch 8, compiled without one of them in turn.
 *
 *     node dist/bench/ablation.js [layers]
 */
import * as tf from '@tensorflow/tfjs'
import { SiglipVisionConfig, SiglipVisionModel, useBackend } from '../src/index.js'
import type { rewrites } from '../src/jit/compile.js'
import { compile, type CompileOptions } from '../src/jit/compile.js'
import { loadEngine } from '../src/jit/program/engine.js'
import type { Program } from '../src/jit/program/program.js'
import { record } from '../src/jit/record/recorder.js'
import { machine } from './machine.js'

const ROUNDS = 7

async function main(layers: number): Promise<void> {
  await useBackend('native')
  const engine = loadEngine()
  if ('missing' in engine) throw new Error(engine.missing)
  const model = new SiglipVisionModel(new SiglipVisionConfig({ numHiddenLayers: layers }))
  const pixelValues = tf.randomNormal<tf.Rank.R4>([8, 3, 224, 224])
  const tower = (): tf.Tensor => model.forward({ pixelValues }).lastHiddenState
  const { graph, captures } = record(() => [tower()], [], engine.host)
  const tensors = captures.map(({ tensor }) => tensor)

  const ways: { readonly name: string; readonly run: () => tf.Tensor[]; readonly program?: Program }[] = [
    { name: 'operation by operation', run: () => [tf.tidy(tower)] },
  ]
  const add = (name: string, options: CompileOptions): void => {
    const program = compile(graph, options)
    const { run } = engine.compile(program)
    ways.push({ name, program, run: () => run([], tensors) })
  }
  const names = ['pads', 'activations', 'attention', 'epilogues'] as const satisfies readonly (keyof typeof rewrites)[]
  for (const precision of ['float32', 'bfloat16'] as const) {
    add(`${precision}, all rewrites`, { precision })
    for (const name of names.slice(1)) add(`${precision}, without ${name}`, { precision, without: [name] })
    add(`${precision}, none but the necessary`, { precision, without: names })
  }

  const samples = ways.map((): number[] => [])
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [i, { run }] of ways.entries()) {
      const start = performance.now()
      const results = run()
      for (const result of results) result.dataSync()
      if (round > 0) samples[i]?.push(performance.now() - start)
      tf.dispose(results)
    }
  }
  const { processor, cores } = machine()
  console.log(`${processor}, ${cores} cores; ${layers} layers, batch 8; medians of ${ROUNDS}`)
  for (const [i, { name, program }] of ways.entries()) {
    const [median = NaN] = (samples[i] ?? []).sort((a, b) => a - b).slice(ROUNDS >> 1)
    const size = program ? `${program.steps.length} steps, ${(program.arenaBytes / 1e6).toFixed(0)} MB` : ''
    console.log(`${name.padEnd(36)} ${median.toFixed(1).padStart(8)} ms   ${size}`)
  }
  process.exit(0)
}

await main(Number(process.argv[2] ?? 4))
