import { execFile } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import * as tf from '@tensorflow/tfjs'
import {
  AutoTokenizer,
  jit,
  pipeline,
  resize,
  SiglipConfig,
  SiglipImageProcessor,
  SiglipModel,
  SiglipProcessor,
  SiglipTextConfig,
  SiglipTextModel,
  SiglipVisionConfig,
  SiglipVisionModel,
  type Precision,
} from '../src/index.js'
import { Command } from './command.js'
import { Ours, peersFolder, peersPython, PythonPeer, type Contender } from './peer.js'

/** A task that several contenders run, and the speed to reach in it. */
export interface Workload {
  readonly id: string
  readonly title: string
  /** Floating-point operations of one run in matrix products; 0 if they are not the point. */
  readonly flops: number
  /** What is counted; less is better. */
  readonly unit: 'ms' | 'MB'
  /** Runs before the clock is read in each round. */
  readonly times: number
  /** How many times faster than the best of the others we are to be; the second number where they reach 80 % of the peak. */
  readonly toReach: readonly [ratio: number, nearPeak: number]
  readonly ours: Contender
  readonly others: readonly Contender[]
}

/** What differs between workloads on a tower. */
interface TowerWorkload {
  readonly tower: 'vision' | 'text'
  readonly size: 'base' | 'so400m'
  readonly batch: number
  readonly precision: Precision
  readonly threads: number
}

const sizes = {
  base: new SiglipVisionConfig(),
  so400m: new SiglipVisionConfig({
    hiddenSize: 1152,
    intermediateSize: 4304,
    numHiddenLayers: 27,
    numAttentionHeads: 16,
    patchSize: 14,
    imageSize: 384,
  }),
}

/** In a tower's matrix products: projections, mlp, and both products of the attention; the pooling head is left out. */
function towerFlops({ tower, size, batch }: TowerWorkload): number {
  const config = tower === 'text' ? new SiglipTextConfig() : sizes[size]
  const { hiddenSize, intermediateSize, numHiddenLayers } = config
  const length = tower === 'text' ? 64 : Math.floor(sizes[size].imageSize / sizes[size].patchSize) ** 2
  const layer = 4 * hiddenSize ** 2 + 2 * hiddenSize * intermediateSize + 2 * length * hiddenSize
  const embedding = tower === 'text' ? 0 : 3 * sizes[size].patchSize ** 2 * hiddenSize
  return 2 * batch * length * (numHiddenLayers * layer + embedding)
}

/** The tower as a function of nothing that gives one tensor. */
function towerFunction({ tower, size, batch }: TowerWorkload): () => tf.Tensor {
  if (tower === 'text') {
    const model = new SiglipTextModel(new SiglipTextConfig())
    const inputIds = tf.randomUniform<tf.Rank.R2>([batch, 64], 2, 32_000, 'int32', 0)
    return () => model.forward({ inputIds }).poolerOutput
  }
  const config = sizes[size]
  const model = new SiglipVisionModel(config)
  const pixelValues = tf.randomNormal<tf.Rank.R4>([batch, 3, config.imageSize, config.imageSize], 0, 1, 'float32', 0)
  return () => {
    const { poolerOutput, lastHiddenState } = model.forward({ pixelValues })
    return poolerOutput ?? lastHiddenState
  }
}

function inference(
  id: string,
  title: string,
  workload: TowerWorkload,
  toReach: Workload['toReach'],
  engines: readonly string[],
): Workload {
  return {
    id,
    title,
    flops: towerFlops(workload),
    unit: 'ms',
    times: workload.size === 'so400m' ? 1 : 3,
    toReach,
    ours: new Ours(() => {
      const run = jit(towerFunction(workload), { precision: workload.precision })
      return Promise.resolve(() => {
        const pooled = run()
        pooled.dataSync()
        pooled.dispose()
      })
    }),
    others: engines.map((engine) => {
      const onnx = engine.startsWith('onnx')
      return new PythonPeer(onnx || workload.precision === 'float32' ? engine : `${engine} bfloat16`, {
        ...workload,
        kind: 'inference',
        engine,
        folder: peersFolder,
      })
    }),
  }
}

function training(id: string, title: string, workload: TowerWorkload): Workload {
  return {
    id,
    title,
    flops: 3 * towerFlops(workload),
    unit: 'ms',
    times: 1,
    toReach: [1, 1],
    ours: new Ours(() => {
      const pooled = towerFunction(workload)
      const step = jit(() => tf.variableGrads(() => tf.mean(tf.square(pooled()))), { precision: workload.precision })
      return Promise.resolve(() => {
        const { value, grads } = step()
        value.dataSync()
        tf.dispose([value, grads])
      })
    }),
    others: ['torch', 'torch.compile'].map(
      (engine) => new PythonPeer(engine, { ...workload, kind: 'training', engine, folder: peersFolder }),
    ),
  }
}

function product(precision: Precision, threads: number): Workload {
  const [m, k, n] = [1568, 768, 3072]
  return {
    id: `product-${precision}`,
    title: `one product ${m}×${k}×${n}, ${precision}: the machine's peak`,
    flops: 2 * m * k * n,
    unit: 'ms',
    times: 20,
    toReach: [1, 1],
    ours: new Ours(() => {
      const a = tf.randomNormal<tf.Rank.R2>([m, k])
      const b = tf.variable(tf.randomNormal<tf.Rank.R2>([k, n]))
      const run = jit(() => tf.matMul(a, b), { precision })
      return Promise.resolve(() => {
        run().dispose()
      })
    }),
    others: [new PythonPeer('torch', { kind: 'product', engine: 'torch', precision, threads, m, k, n })],
  }
}

function resizing(): Workload {
  const image = {
    width: 640,
    height: 427,
    data: Uint8Array.from({ length: 640 * 427 * 3 }, (_, i) => (i * 7919) % 256),
  }
  return {
    id: 'resize',
    title: 'resize 640×427 → 224 bicubic',
    flops: 0,
    unit: 'ms',
    times: 50,
    toReach: [1, 1],
    ours: new Ours(() => Promise.resolve(() => resize(image, { width: 224, height: 224 }))),
    others: [new PythonPeer('Pillow', { kind: 'resize', engine: 'Pillow', threads: 1 })],
  }
}

function tokenizing(threads: number): Workload {
  const folder = join('test', 'fixtures', 'tokenizer-siglip2')
  const words = [
    'a photo of',
    'two cats',
    'on the table',
    'in Paris',
    'a steaming bowl',
    'red',
    'and',
    'the old bridge',
  ]
  const captions = Array.from({ length: 10_000 }, (_, i) =>
    [i, i >> 3, i >> 6, i >> 9].map((n) => words[n % 8]).join(' '),
  )
  const file = join(tmpdir(), 'siglip-tfjs-captions.json')
  writeFileSync(file, JSON.stringify(captions))
  const workload = {
    kind: 'tokenize',
    engine: 'tokenizers',
    threads,
    tokenizer: join(folder, 'tokenizer.json'),
    captions: file,
  }
  return {
    id: 'tokenize',
    title: 'tokenizing 10,000 captions',
    flops: 0,
    unit: 'ms',
    times: 3,
    toReach: [1, 1],
    ours: new Ours(async () => {
      const tokenizer = await AutoTokenizer.fromPretrained(folder)
      return () => {
        for (const caption of captions) tokenizer.encode(caption)
      }
    }),
    others: [
      new PythonPeer('tokenizers', { ...workload, batched: false }),
      new PythonPeer('tokenizers, batch', { ...workload, batched: true }),
    ],
  }
}

/** Where workloads that need files make them, once. */
const baseFolder = join(tmpdir(), 'siglip-tfjs-base')
const imagesFolder = join(tmpdir(), 'siglip-tfjs-images')
const emojiFolder = join(tmpdir(), 'siglip-tfjs-emoji')

/** Images as cameras have them: smooth, with some noise, of this size. */
async function makeImages(folder: string, count: number): Promise<readonly string[]> {
  await mkdir(folder, { recursive: true })
  const { default: sharp } = await import('sharp')
  return Promise.all(
    Array.from({ length: count }, async (_, n) => {
      const file = join(folder, `${n}.jpg`)
      const data = Uint8Array.from({ length: 640 * 427 * 3 }, (_, i) => {
        const [x, y] = [Math.floor(i / 3) % 640, Math.floor(i / 1920)]
        return 128 + 60 * Math.sin((x + 13 * n) / 37 + (i % 3)) + 50 * Math.cos(y / (23 + n)) + ((i * 7919) % 17)
      })
      await sharp(data, { raw: { width: 640, height: 427, channels: 3 } })
        .jpeg({ quality: 90 })
        .toFile(file)
      return file
    }),
  )
}

function wholePipeline(precision: Precision): Workload {
  const count = 1000
  return {
    id: `images-${precision}`,
    title: `1,000 JPEGs 640×427 to embeddings, versus only the image tower, ${precision}`,
    flops: 0,
    unit: 'ms',
    times: 1,
    toReach: [0.9, 0.9],
    ours: new Ours(async () => {
      const files = await makeImages(imagesFolder, 50)
      await makeModel(baseFolder)
      const embed = await pipeline('image-feature-extraction', baseFolder, { precision })
      await embed(files.slice(0, 16), { batchSize: 8 })
      return async () => {
        let seen = 0
        const all = Array.from({ length: count }, (_, i) => files[i % files.length] ?? '')
        for await (const embedding of embed.stream(all, { batchSize: 8 })) seen += embedding.data.length > 0 ? 1 : 0
        if (seen !== count) throw new Error(`${seen} embeddings`)
      }
    }),
    others: [
      new Ours(async () => {
        const tower = jit(towerFunction({ tower: 'vision', size: 'base', batch: 8, precision, threads: 0 }), {
          precision,
        })
        await tower.async()
        return async () => {
          for (let i = 0; i < count / 8; i++) (await tower.async()).dispose()
        }
      }, 'only the tower'),
    ],
  }
}

/** A checkpoint of base size with random weights, with the tokenizer of the tiny model. */
async function makeModel(folder: string): Promise<void> {
  if (existsSync(join(folder, 'processor_config.json'))) return
  const tokenizer = await AutoTokenizer.fromPretrained(join('models', 'siglip-tiny'))
  const model = new SiglipModel(new SiglipConfig({}), { seed: 0 })
  await model.savePretrained(folder)
  await new SiglipProcessor(new SiglipImageProcessor(), tokenizer).savePretrained(folder)
  model.dispose()
}

/** Whole processes, from their start to the scores of one image. */
function processes(measure: 'time' | 'memory'): Workload {
  const image = join('examples', 'pictures', 'chelsea.png')
  const program = join('dist', 'bench', 'first-scores.js')
  const command = new Command('siglip-tfjs', [process.execPath, program, baseFolder, image], measure)
  return {
    id: measure === 'time' ? 'first-scores' : 'peak-memory',
    title: measure === 'time' ? 'process start to first scores, base model' : 'peak memory of it, base model, float32',
    flops: 0,
    unit: measure === 'time' ? 'ms' : 'MB',
    times: 1,
    toReach: measure === 'time' ? [1 / 0.6, 1 / 0.6] : [1, 1],
    ours: {
      name: command.name,
      prepare: async () => {
        await makeModel(baseFolder)
        await command.prepare()
      },
      run: (times) => command.run(times),
      close: () => undefined,
    },
    others: [
      new Command('transformers', [peersPython, join('bench', 'peers', 'first-scores.py'), baseFolder, image], measure),
    ],
  }
}

/** All parameters of a base model, from JPEGs on. */
function fineTuning(measure: 'printed' | 'memory', precision: Precision): Workload {
  const images = Array.from({ length: 48 }, (_, n) => join(imagesFolder, `${n}.jpg`))
  const args = [baseFolder, '7', '8', precision, ...images]
  const command = new Command(
    'siglip-tfjs',
    [process.execPath, join('dist', 'bench', 'fine-tune.js'), ...args],
    measure,
  )
  const peer = [peersPython, join('bench', 'peers', 'fine-tune.py'), ...args] as const
  const what = measure === 'memory' ? 'peak memory of a fine-tune' : 'a step of a fine-tune with its input pipeline'
  return {
    id: `fine-tune-${measure === 'memory' ? 'memory-' : ''}${precision}`,
    title: `${what}, base-224, batch 8, ${precision}`,
    flops: 0,
    unit: measure === 'memory' ? 'MB' : 'ms',
    times: 1,
    toReach: [1, 1],
    ours: {
      name: command.name,
      prepare: async () => {
        await makeImages(imagesFolder, 50)
        await makeModel(baseFolder)
      },
      run: (times) => command.run(times),
      close: () => undefined,
    },
    others: [new Command('torch', peer, measure)],
  }
}

/** A training step of the bundled model. */
function emojiStep(patches: 'half' | 'all'): Workload {
  const args = [emojiFolder, patches, '15']
  const command = (name: string, program: readonly [string, string]): Command =>
    new Command(name, [...program, ...args], 'printed')
  const ours = command('siglip-tfjs', [process.execPath, join('dist', 'bench', 'emoji-step.js')])
  return {
    id: `emoji-step-${patches}`,
    title: `a step of the training of models/emoji, with ${patches === 'all' ? 'all' : 'half of the'} patches, float32`,
    flops: 0,
    unit: 'ms',
    times: 1,
    toReach: [1, 1],
    ours: {
      name: ours.name,
      prepare: async () => {
        if (existsSync(join(emojiFolder, 'images.rgba'))) return
        await promisify(execFile)(process.execPath, [
          ...[join('dist', 'examples', 'emoji', 'make-data.js'), '--out', emojiFolder],
          ...['--cache', `${emojiFolder}-packages`],
        ])
      },
      run: (times) => ours.run(times),
      close: () => undefined,
    },
    others: [command('torch', [peersPython, join('bench', 'peers', 'emoji-step.py')])],
  }
}

/** Everything that is timed inside running processes. */
export function workloads(threads: number): readonly Workload[] {
  const on = (tower: 'vision' | 'text', batch: number, precision: Precision, size: 'base' | 'so400m' = 'base') =>
    ({ tower, size, batch, precision, threads }) satisfies TowerWorkload
  const float32 = ['torch', 'torch.compile', 'onnxruntime']
  const half = ['torch', 'torch.compile']
  return [
    product('float32', threads),
    product('bfloat16', threads),
    inference(
      'image-8-float32',
      'image tower base-224, batch 8, float32',
      on('vision', 8, 'float32'),
      [1.15, 1.03],
      float32,
    ),
    inference(
      'image-8-bfloat16',
      'image tower base-224, batch 8, bfloat16',
      on('vision', 8, 'bfloat16'),
      [1.6, 1.6],
      half,
    ),
    inference(
      'image-8-onnx',
      'the same, beside ONNX Runtime',
      on('vision', 8, 'bfloat16'),
      [3, 3],
      ['onnxruntime', 'onnxruntime-int8'],
    ),
    inference('image-1-float32', 'image tower base-224, batch 1, float32', on('vision', 1, 'float32'), [1, 1], float32),
    inference('image-1-bfloat16', 'image tower base-224, batch 1, bfloat16', on('vision', 1, 'bfloat16'), [1, 1], half),
    inference('text-64-float32', 'text tower, batch 64, float32', on('text', 64, 'float32'), [1, 1], float32),
    inference('text-64-bfloat16', 'text tower, batch 64, bfloat16', on('text', 64, 'bfloat16'), [1, 1], half),
    inference(
      'so400m-1-bfloat16',
      'image tower so400m-384, batch 1, bfloat16',
      on('vision', 1, 'bfloat16', 'so400m'),
      [1.3, 1.3],
      half,
    ),
    processes('time'),
    processes('memory'),
    wholePipeline('float32'),
    wholePipeline('bfloat16'),
    resizing(),
    tokenizing(threads),
    training('training-8-float32', 'forward and backward, base-224, batch 8, float32', on('vision', 8, 'float32')),
    training('training-8-bfloat16', 'forward and backward, base-224, batch 8, bfloat16', on('vision', 8, 'bfloat16')),
    fineTuning('printed', 'bfloat16'),
    fineTuning('memory', 'bfloat16'),
    emojiStep('half'),
    emojiStep('all'),
  ]
}
