/**
 * The sigmoid loss in chunks, forward and backward, at width 768: memory and time over batch sizes, beside PyTorch's full matrix
 * where that fits.
 *
 *     node dist/bench/chunked-loss.js [largest batch size, default 32768]
 *
 * Each size runs in a separate process, on as many threads as the machine has. Memory is the peak in /proc (Linux).
 */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import * as tf from '@tensorflow/tfjs'
import { chunkedSigmoidLoss } from '../src/training/losses/chunked-sigmoid-loss.js'
import { useBackend } from '../src/index.js'
import { machine } from './machine.js'
import { havePeers, PythonPeer } from './peer.js'

const WIDTH = 768
const PAPER = 2 ** 20

/** In a separate process: prints the seconds and the peak in bytes beyond the process's memory before. */
async function measure(batch: number): Promise<void> {
  await useBackend('native', { quiet: true })
  const step = (imageEmbeds: tf.Tensor2D, textEmbeds: tf.Tensor2D): void => {
    const [logitScale, logitBias] = [tf.tensor1d([Math.log(10)]), tf.tensor1d([-10])]
    const loss = tf.valueAndGrads((...[images, texts, scale, bias]: tf.Tensor[]) =>
      chunkedSigmoidLoss({
        imageEmbeds: (images ?? imageEmbeds).as2D(-1, WIDTH),
        textEmbeds: (texts ?? textEmbeds).as2D(-1, WIDTH),
        logitScale: scale ?? logitScale,
        logitBias: bias ?? logitBias,
      }),
    )
    const { value, grads } = loss([imageEmbeds, textEmbeds, logitScale, logitBias])
    value.dataSync()
    grads[3]?.dataSync()
  }
  const embeds = (rows: number, seed: number): tf.Tensor2D =>
    tf.tidy(() => {
      const random = tf.randomNormal<tf.Rank.R2>([rows, WIDTH], 0, 1, 'float32', seed)
      return tf.div(random, tf.norm(random, 'euclidean', 1, true))
    })
  tf.tidy(() => {
    step(embeds(64, 1), embeds(64, 2)) // what the backend takes at first is not the loss's
  })
  const before = memory('VmRSS')
  const [images, texts] = [embeds(batch, 1), embeds(batch, 2)]
  const times = Array.from({ length: batch > 8192 ? 1 : 5 }, () => {
    const start = performance.now()
    tf.tidy(() => {
      step(images, texts)
    })
    return (performance.now() - start) / 1000
  })
  console.log(JSON.stringify({ seconds: Math.min(...times), bytes: memory('VmHWM') - before }))
}

function memory(field: 'VmRSS' | 'VmHWM'): number {
  return 1024 * Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(readFileSync('/proc/self/status', 'utf8'))?.[1])
}

async function main(largest: number): Promise<void> {
  console.log(JSON.stringify(machine()))
  console.log('   pairs  seconds  peak MB  PyTorch, full matrix')
  let seconds = NaN
  let batch = 4096
  for (; batch <= largest; batch *= 2) {
    const { stdout } = spawnSync(process.execPath, [fileURLToPath(import.meta.url), 'measure', String(batch)])
    const found: unknown = JSON.parse(stdout.toString())
    if (typeof found !== 'object' || found === null || !('seconds' in found) || !('bytes' in found)) continue
    seconds = Number(found.seconds)
    const peer = batch <= 8192 && havePeers() ? await torchSeconds(batch) : undefined
    const beside = peer === undefined ? '' : `${peer.toFixed(2)} s, ${(seconds / peer).toFixed(2)} of it here`
    console.log(
      [
        String(batch).padStart(8),
        seconds.toFixed(2).padStart(8),
        (Number(found.bytes) / 1e6).toFixed(0).padStart(8),
        ` ${beside}`,
      ].join(' '),
    )
  }
  const paper = seconds * (PAPER / (batch / 2)) ** 2
  console.log(`The paper's ${PAPER} pairs would take ${(paper / 3600).toFixed(1)} hours at this rate.`)
}

async function torchSeconds(batch: number): Promise<number> {
  const peer = new PythonPeer('PyTorch', {
    kind: 'sigmoid_loss',
    engine: 'torch',
    batch,
    width: WIDTH,
    threads: machine().cores,
  })
  try {
    await peer.prepare()
    return Math.min(...(await peer.run(5))) / 1000
  } finally {
    peer.close()
  }
}

const [task = '32768', batch] = process.argv.slice(2)
if (task === 'measure') await measure(Number(batch))
else await main(Number(task))
