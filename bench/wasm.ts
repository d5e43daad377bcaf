/**
 * The image tower of base size on one image of 224 × 224, on WebAssembly in Node with one thread, beside onnxruntime-web, which runs
 * what `exportOnnx` writes of the same random weights:
 *
 *     npm run bench:wasm -- [OTHER/dist...]
 *
 * Other builds of this package are measured in the same run. Each runs in a separate process.
 */
import { spawnSync } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

import type * as tfjs from '@tensorflow/tfjs'

import type * as thisPackage from '../src/index.js'
import { machine } from './machine.js'
import { median } from './median.js'

const SIZE = 224
const CALLS = 3
const OWN = dirname(dirname(fileURLToPath(import.meta.url)))

/** What a process prints. */
interface Measured {
  /** Of the first call, which prepares what later ones use. */
  readonly first: number
  /** Of the median of later calls. In milliseconds. */
  readonly later: number
  readonly output: readonly number[]
}

/** What a build of this package exports. */
type Package = typeof thisPackage

async function load(dist: string): Promise<Package> {
  return (await import(pathToFileURL(join(dist, 'src', 'index.js')).href)) as Package
}

const pixels = (): Float32Array => Float32Array.from({ length: 3 * SIZE * SIZE }, (_, i) => Math.sin(i * 0.37))

/** Writes a checkpoint of random weights and its ONNX file. */
async function prepare(folder: string): Promise<void> {
  const { exportOnnx } = await import('../src/export/export-model.js')
  const { SiglipVisionConfig, SiglipVisionModel, useBackend } = await load(OWN)
  await useBackend('native', { quiet: true })
  const model = new SiglipVisionModel(new SiglipVisionConfig())
  await model.savePretrained(folder)
  await exportOnnx(model, join(folder, 'onnx'))
}

async function ours(folder: string, dist: string): Promise<Measured> {
  const { SiglipVisionModel, useBackend } = await load(dist)
  const require = createRequire(join(dist, 'src', 'index.js'))
  const tf = require('@tensorflow/tfjs') as typeof tfjs
  await useBackend('wasm', { quiet: true })
  const model = await SiglipVisionModel.fromPretrained(folder)
  const pixelValues = tf.tensor4d(pixels(), [1, 3, SIZE, SIZE])
  return measure(() => {
    const pooled = tf.tidy(() => {
      const { poolerOutput, lastHiddenState } = model.forward({ pixelValues })
      return poolerOutput ?? lastHiddenState
    })
    const values = pooled.dataSync()
    pooled.dispose()
    return Promise.resolve(values)
  })
}

async function onnxruntime(folder: string): Promise<Measured> {
  const ort = await import('onnxruntime-web')
  ort.env.wasm.numThreads = 1
  const file = (name: string) => readFile(join(folder, 'onnx', name)).then((bytes) => new Uint8Array(bytes))
  const session = await ort.InferenceSession.create(await file('model.onnx'), {
    externalData: [{ path: 'model.onnx_data', data: await file('model.onnx_data') }],
    logSeverityLevel: 3,
  })
  const [input = ''] = session.inputNames
  const feeds = { [input]: new ort.Tensor('float32', pixels(), [1, 3, SIZE, SIZE]) }
  return measure(async () => {
    const { pooler_output: pooled } = await session.run(feeds)
    return pooled?.data as Float32Array
  })
}

async function measure(run: () => Promise<ArrayLike<number>>): Promise<Measured> {
  const times: number[] = []
  let output: ArrayLike<number> = []
  for (let i = 0; i <= CALLS; i++) {
    const start = performance.now()
    output = await run()
    times.push(performance.now() - start)
  }
  return { first: times[0] ?? NaN, later: median(times.slice(1)), output: Array.from(output).slice(0, 768) }
}

function inProcess(...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, [fileURLToPath(import.meta.url), ...args], {
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
  })
  if (status !== 0) throw new Error(stderr)
  return stdout
}

async function main(others: readonly string[]): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'siglip-tfjs-wasm-'))
  try {
    inProcess('prepare', folder)
    const runs: readonly (readonly [string, readonly string[]])[] = [
      ...others.map((dist) => [dist, ['ours', folder, dist]] as const),
      ['this package', ['ours', folder, OWN]],
      ['onnxruntime-web', ['onnxruntime', folder]],
    ]
    const { processor, node } = machine()
    console.log(`image tower base-224, 1 image, WebAssembly, one thread; ${processor}, Node ${node}\n`)
    console.log('| | first, ms | then, ms | farthest from onnxruntime-web |\n| --- | ---: | ---: | ---: |')
    const measured = runs.map(([name, args]) => [name, JSON.parse(inProcess(...args)) as Measured] as const)
    const reference = measured.at(-1)?.[1].output ?? []
    for (const [name, { first, later, output }] of measured) {
      const farthest = output.reduce((most, value, i) => Math.max(most, Math.abs(value - (reference[i] ?? NaN))), 0)
      console.log(`| ${name} | ${first.toFixed(0)} | ${later.toFixed(0)} | ${farthest.toExponential(1)} |`)
    }
  } finally {
    await rm(folder, { recursive: true })
  }
}

const [role, folder = '', dist = ''] = process.argv.slice(2)
if (role === 'prepare') await prepare(folder)
else if (role === 'ours') console.log(JSON.stringify(await ours(folder, dist)))
else if (role === 'onnxruntime') console.log(JSON.stringify(await onnxruntime(folder)))
else await main(process.argv.slice(2))
process.exit()
