/**
 * Loading a large checkpoint: the memory it takes beside the weights, and the time beside plainly reading the file.
 *
 *     node dist/bench/large-checkpoint.js [F32|BF16] [native|wasm]
 *
 * The checkpoint has the shapes of google/siglip-so400m-patch14-384 (878 million weights) and random values; it is written to a
 * temporary folder, which wants 3.5 GB, and removed afterwards. Linux only: memory is what /proc says, in a process that does
 * nothing else.
 */
import { spawnSync } from 'node:child_process'
import { mkdtemp, open, readFile, rm } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import * as tf from '@tensorflow/tfjs'
import { saveFolder } from '../src/io/save-folder.js'
import { weightFiles } from '../converters/formats/weight-files.js'
import { SiglipConfig, SiglipModel, SiglipTextConfig, SiglipVisionConfig, useBackend } from '../src/index.js'

const GB = 1e9
const width = 1152
const size = { hiddenSize: width, intermediateSize: 4304, numHiddenLayers: 27, numAttentionHeads: 16 }
const config = new SiglipConfig({
  textConfig: new SiglipTextConfig(size),
  visionConfig: new SiglipVisionConfig({ ...size, patchSize: 14, imageSize: 384 }),
})

/** Names and shapes as transformers has them. */
function shapes(): Map<string, readonly number[]> {
  const linear = (name: string, output: number, input: number): [string, number[]][] => [
    [`${name}.weight`, [output, input]],
    [`${name}.bias`, [output]],
  ]
  const norm = (name: string): [string, number[]][] => [
    [`${name}.weight`, [width]],
    [`${name}.bias`, [width]],
  ]
  const mlp = (name: string) => [
    ...linear(`${name}.fc1`, size.intermediateSize, width),
    ...linear(`${name}.fc2`, width, size.intermediateSize),
  ]
  const layers = (tower: string) =>
    Array.from({ length: size.numHiddenLayers }, (_, i) => `${tower}.encoder.layers.${i}`).flatMap((layer) => [
      ...['q_proj', 'k_proj', 'v_proj', 'out_proj'].flatMap((part) =>
        linear(`${layer}.self_attn.${part}`, width, width),
      ),
      ...norm(`${layer}.layer_norm1`),
      ...norm(`${layer}.layer_norm2`),
      ...mlp(`${layer}.mlp`),
    ])
  return new Map<string, readonly number[]>([
    ['logit_scale', [1]],
    ['logit_bias', [1]],
    ['text_model.embeddings.token_embedding.weight', [config.textConfig.vocabSize, width]],
    ['text_model.embeddings.position_embedding.weight', [config.textConfig.maxPositionEmbeddings, width]],
    ...layers('text_model'),
    ...norm('text_model.final_layer_norm'),
    ...linear('text_model.head', width, width),
    ['vision_model.embeddings.patch_embedding.weight', [width, 3, 14, 14]],
    ['vision_model.embeddings.patch_embedding.bias', [width]],
    ['vision_model.embeddings.position_embedding.weight', [27 * 27, width]],
    ...layers('vision_model'),
    ...norm('vision_model.post_layernorm'),
    ['vision_model.head.probe', [1, 1, width]],
    ['vision_model.head.attention.in_proj_weight', [3 * width, width]],
    ['vision_model.head.attention.in_proj_bias', [3 * width]],
    ...linear('vision_model.head.attention.out_proj', width, width),
    ...norm('vision_model.head.layernorm'),
    ...mlp('vision_model.head.mlp'),
  ])
}

/** Writes the checkpoint, one tensor in memory at a time. */
async function write(folder: string, dtype: 'F32' | 'BF16'): Promise<void> {
  const tensors = new Map([...shapes()].map(([name, shape]) => [name, { dtype: 'F32' as const, shape }]))
  const block = Float32Array.from({ length: 2 ** 20 }, () => 0.04 * Math.random() - 0.02)
  const read = (name: string): Promise<Float32Array<ArrayBuffer>> => {
    const values = new Float32Array(tensors.get(name)?.shape.reduce((product, n) => product * n, 1) ?? 0)
    for (let at = 0; at < values.length; at += block.length) values.set(block.subarray(0, values.length - at), at)
    return Promise.resolve(values)
  }
  await saveFolder(folder, new Map([...config.toFiles(), ...weightFiles({ tensors, read }, { dtype })]))
}

/** Seconds to read a file into fresh memory, 64 MiB at a time: the lower bound of any loader. */
async function plainRead(file: string): Promise<number> {
  const start = performance.now()
  const handle = await open(file)
  const pieces: Buffer[] = []
  for (let bytesRead = -1; bytesRead !== 0;) {
    const piece = Buffer.allocUnsafeSlow(2 ** 26)
    ;({ bytesRead } = await handle.read(piece, 0, piece.length))
    pieces.push(piece)
  }
  await handle.close()
  return (performance.now() - start) / 1000
}

/** A line of /proc/self/status in bytes. */
async function memory(field: 'VmRSS' | 'VmHWM'): Promise<number> {
  const status = await readFile('/proc/self/status', 'utf8')
  return 1024 * Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(status)?.[1])
}

/** In a separate process: loads the checkpoint and prints time and memory. */
async function load(folder: string, backend: 'native' | 'wasm'): Promise<void> {
  await useBackend(backend)
  tf.tidy(() => tf.matMul(tf.ones([8, 8]), tf.ones([8, 8])).dataSync()) // what the backend takes at first is not the weights'
  const before = await memory('VmRSS')
  const start = performance.now()
  const model = await SiglipModel.fromPretrained(folder)
  const seconds = (performance.now() - start) / 1000
  const weights = 4 * model.numParameters()
  const peak = async (): Promise<string> => (((await memory('VmHWM')) - before) / weights).toFixed(2)
  const loaded = await peak()
  const pixelValues = { data: new Float32Array(3 * 384 * 384), shape: [1, 3, 384, 384] }
  const { logitsPerImage } = model.forward({ inputIds: { data: new Int32Array(64), shape: [1, 64] }, pixelValues })
  logitsPerImage.dataSync()
  console.log(`load ${seconds.toFixed(2)} s, ${(weights / GB).toFixed(2)} GB of weights as float32`)
  console.log(`peak ${loaded} × the weights, ${await peak()} × after the first answer`)
}

async function main(dtype: string = 'F32', backend: string = 'native'): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), 'large-checkpoint-'))
  try {
    console.log(`${cpus()[0]?.model ?? 'unknown processor'}, Node ${process.version}, ${dtype}, ${backend}`)
    await write(folder, dtype === 'BF16' ? 'BF16' : 'F32')
    for (let round = 0; round < 3; round++) {
      for (const part of ['read', 'load'])
        spawnSync(process.execPath, [fileURLToPath(import.meta.url), part, folder, backend], { stdio: 'inherit' })
    }
  } finally {
    await rm(folder, { recursive: true })
  }
}

const [task, folder = '', backend] = process.argv.slice(2)
if (task === 'read') console.log(`read ${(await plainRead(path.join(folder, 'model.safetensors'))).toFixed(2)} s`)
else if (task === 'load') await load(folder, backend === 'wasm' ? 'wasm' : 'native')
else await main(task, process.argv[3])
