/**
 * Damaged files of every kind that is read: each gives a result or an error of this package, in time, and takes no memory on the
 * file's word. `FUZZ_RUNS=100000 FUZZ_SEED=1 npx jest test/fuzz` runs longer.
 *
 * @module
 */
import { readFileSync } from 'node:fs'
import { configOf } from '../../converters/configs/config-of.js'
import { elementCount } from '../../converters/formats/dtypes.js'
import { asTransformers } from '../../converters/names/naming.js'
import { openWeights } from '../../converters/formats/open-weights.js'
import { SiglipError } from '../../src/errors.js'
import { MemoryFolder } from '../../src/hub/memory-folder.js'
import { AutoImageProcessor } from '../../src/image/processors/auto-image-processor.js'
import { decodeImage } from '../../src/image/decode/decode-image.js'
import { AutoConfig } from '../../src/models/auto/auto-config.js'
import { AutoTokenizer } from '../../src/tokenizer/auto-tokenizer.js'
import { dice } from '../dice.js'
import { mutate } from './mutate.js'

const RUNS = Number(process.env.FUZZ_RUNS ?? 1500)
const SEED = Number(process.env.FUZZ_SEED ?? 1)
/** Milliseconds that one file may take, on a busy machine. */
const MAX_TIME = 10_000
/** Bytes beyond the file's own. */
const MAX_MEMORY = 64e6

interface Kind {
  readonly files: readonly string[]
  /** The name the mutant has in its folder, beside those of `beside`. */
  readonly as: string
  readonly beside?: Readonly<Record<string, string>>
  readonly use: (folder: MemoryFolder) => Promise<unknown>
}

async function readAll(folder: MemoryFolder): Promise<void> {
  const weights = asTransformers(await openWeights(folder))
  for (const [name, { shape }] of weights.tensors) {
    const values = await weights.read(name)
    expect(values.length).toBe(elementCount(shape))
  }
}

async function tokenize(folder: MemoryFolder): Promise<void> {
  const tokenizer = await AutoTokenizer.fromPretrained(folder)
  tokenizer.decode(tokenizer.encode('A photo of 2 cats, naïve 日本 🐈', { maxLength: 16, truncation: true }))
}

const kinds: readonly Kind[] = [
  {
    files: [
      'converters/dtypes.safetensors',
      'formats/model-f16.safetensors',
      'formats/open_clip_model.safetensors',
      'converters/arrays.npz',
      'converters/arrays-compressed.npz',
      'converters/zip64.npz',
      'formats/big_vision-scan.npz',
      'converters/torch-views.bin',
      'converters/torch-views-legacy.bin',
      'converters/torch-protocol-4.bin',
      'converters/torch-training.pt',
    ],
    as: 'model.safetensors',
    use: readAll,
  },
  {
    files: ['formats/big_vision.npz', 'formats/open_clip_model.safetensors'],
    as: 'x.npz',
    use: (folder) => configOf(folder),
  },
  {
    files: ['formats/sharded/model.safetensors.index.json'],
    as: 'model.safetensors.index.json',
    beside: { 'model-00001-of-00007.safetensors': 'formats/sharded/model-00001-of-00007.safetensors' },
    use: readAll,
  },
  {
    files: [
      'siglip-tiny/config.json',
      'siglip2-naflex-tiny/config.json',
      'vision-no-head/config.json',
      'classifier-multi/config.json',
    ],
    as: 'config.json',
    use: async (folder) => AutoConfig.fromJSON(await configOf(folder)),
  },
  {
    files: ['formats/open_clip_config.json'],
    as: 'open_clip_config.json',
    beside: { 'open_clip_model.safetensors': 'formats/open_clip_model.safetensors' },
    use: async (folder) => AutoConfig.fromJSON(await configOf(folder, undefined, { heads: 4 })),
  },
  {
    files: ['siglip2-naflex-tiny/preprocessor_config.json'],
    as: 'preprocessor_config.json',
    use: (folder) => AutoImageProcessor.fromPretrained(folder),
  },
  { files: ['tokenizer/spiece.model'], as: 'spiece.model', use: tokenize },
  { files: ['tokenizer-siglip2/tokenizer.json'], as: 'tokenizer.json', use: tokenize },
  {
    files: ['siglip-tiny/tokenizer_config.json'],
    as: 'tokenizer_config.json',
    beside: { 'tokenizer.json': 'tokenizer-siglip2/tokenizer.json' },
    use: tokenize,
  },
  {
    files: [
      'small-rgb.png',
      'gray-alpha.png',
      'bilevel.png',
      'gray.jpg',
      'cmyk.jpg',
      'exif-rotated.jpg',
      'lossless.webp',
      'one-pixel.png',
    ].map((name) => `images/${name}`),
    as: 'picture',
    use: async (folder) => decodeImage(await folder.bytes('picture'), { maxPixels: 4_000_000 }),
  },
]

const cache = new Map<string, Uint8Array>()
function fixture(name: string): Uint8Array {
  const bytes = cache.get(name) ?? readFileSync(`test/fixtures/${name}`)
  cache.set(name, bytes)
  return bytes
}

test(
  `${RUNS} damaged files from seed ${SEED}`,
  async () => {
    const faults: string[] = []
    let refused = 0
    for (let run = 0; run < RUNS && faults.length < 20; run++) {
      const seed = SEED * 1_000_003 + run
      const roll = dice(seed)
      const kind = kinds[run % 3 === 0 ? 0 : roll(kinds.length)]!
      const name = kind.files[roll(kind.files.length)]!
      const mutant = mutate(fixture(name), roll)
      const beside = Object.entries(kind.beside ?? {}).map(([as, file]): [string, Uint8Array] => [as, fixture(file)])
      const folder = new MemoryFolder(new Map([...beside, [kind.as, mutant]]))
      const [begun, memory] = [performance.now(), process.resourceUsage().maxRSS * 1024]
      try {
        await kind.use(folder)
      } catch (error) {
        if (error instanceof SiglipError) refused++
        else faults.push(`${name}, seed ${seed}: ${String((error as Error).stack)}`)
      }
      const [time, more] = [performance.now() - begun, process.resourceUsage().maxRSS * 1024 - memory]
      if (time > MAX_TIME) faults.push(`${name}, seed ${seed}: ${time} ms`)
      if (more > mutant.length + MAX_MEMORY) faults.push(`${name}, seed ${seed}: ${more} bytes`)
    }
    expect(faults).toEqual([])
    // Files that all pass, or all fail at their first byte, would prove nothing.
    expect(refused).toBeGreaterThan(RUNS / 5)
    expect(refused).toBeLessThan(RUNS * 0.9)
  },
  60_000 + RUNS * 100,
)
