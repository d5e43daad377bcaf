import { existsSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { InvalidArgumentError, type Command } from 'commander'
import { FileError, UsageError } from '../../errors.js'
import { mapLimited } from '../../io/map-limited.js'
import { type Embedder, openEmbedder } from '../open-embedder.js'
import { checkNamesFit, checkWritable } from '../embeddings-file.js'
import { findImages, STDIN } from '../find-images.js'
import { addModelOptions, modelFolder, type ModelOptions } from '../model-options.js'
import { count } from '../option-values.js'
import type { ImageIndex } from '../image-index.js'
import { jsonLine, printable } from '../printable.js'
import { Progress } from '../progress.js'
import type { Session } from '../session.js'
import { shortestFloat32 } from '../shortest-float32.js'

interface Options extends ModelOptions {
  readonly like?: true
  readonly top: number
  readonly index?: string
  readonly json?: true
}

/** `siglip search`: the images most similar to a text or an image. */
export function addSearch(program: Command, session: Session): void {
  const command = program
    .command('search')
    .description('Searches images by text: prints the best matches with the cosine between image and query.')
    .argument('<query>', 'text that describes the image')
    .argument('[image...]', 'files, folders, patterns, URLs (default: all in the index)')
    .option('--like', 'treat the query as an image and find similar ones')
    .option('--top <k>', 'the best K images', count, 10)
    .option(
      '--index <file>',
      'keep embeddings in this .safetensors file, so that each image is embedded once',
      indexFile,
    )
  addModelOptions(command)
    .option('--json', 'one JSON object per line')
    .addHelpText(
      'after',
      '\nExample:\n  $ siglip search "a dog on a beach" photos --index photos.safetensors --model DIR',
    )
    .action((query: string, images: readonly string[], options: Options) => search(query, images, options, session))
}

async function search(query: string, args: readonly string[], options: Options, session: Session): Promise<void> {
  checkArguments(args, options)
  const folder = modelFolder(options, session)
  const sayLeftOut = (line: string): void => {
    session.say(line)
  }
  const images = new Map((await findImages(args, sayLeftOut)).map((name) => [inputOf(name), name]))
  if (options.index !== undefined && images.size > 0) await checkWritable(options.index)
  const { fingerprint, MAX_STAMP, ImageIndex } = await import('../image-index.js')
  const embedder = await openEmbedder(folder, { ...options, normalize: true }, session)
  try {
    const index = await ImageIndex.open(options.index, fingerprint(embedder))
    if (options.index !== undefined) checkNamesFit(options.index, new Set([...index.all, ...images.keys()]), MAX_STAMP)
    const [sought] = await allOf(options.like ? embedder.images([query]) : embedder.texts([query]))
    if (!sought) return // an image that can't be decoded, which was said
    await embedNew(images, index, embedder, session).finally(() => index.save()) // also what was done before Ctrl-C
    session.signal.throwIfAborted()
    for (const { input, score } of best(index, images, sought[1], options.top)) {
      const image = images.get(input) ?? (path.isAbsolute(input) ? path.relative('', input) : input)
      const line = options.json
        ? jsonLine({ image, score: shortestFloat32(score) })
        : `${score.toFixed(4)}  ${printable(image)}`
      session.print(() => process.stdout.write(`${line}\n`))
    }
  } finally {
    embedder.dispose()
  }
}

/** What can't be searched is said before a model is loaded. */
function checkArguments(args: readonly string[], { index }: Options): void {
  if (args.length === 0 && index === undefined) {
    throw new UsageError('Missing images', { hint: 'Name images, or an index of earlier ones by --index.' })
  }
  if (args.length === 0 && index !== undefined && !existsSync(index)) {
    throw new FileError('Index not found', { where: index, hint: 'Name the images to index.' })
  }
  const nameless = args.find((arg) => arg === STDIN || /^data:/i.test(arg))
  if (nameless === undefined) return
  throw new UsageError('Images to search have names', { found: nameless.slice(0, 40), hint: 'Name files or URLs.' })
}

/** So many images are embedded between two times that an index is saved. */
const SAVED_EVERY = 4096

/** Embeds the images that are not in the index. */
async function embedNew(
  images: ReadonlyMap<string, string>,
  index: ImageIndex,
  embedder: Embedder,
  session: Session,
): Promise<void> {
  const { stampOf } = await import('../image-index.js')
  const names = [...images].flatMap(([input, name]) => (index.embedding(input) ? [] : name))
  if (names.length === 0) return
  const stamps = new Map(
    await mapLimited(names, 64, async (name) => [name, (await stampOf(inputOf(name))) ?? ''] as const),
  )
  const progress = await Progress.start(session, names.length, 8, 'images')
  let unsaved = 0
  try {
    for await (const [name, embedding] of embedder.images(names)) {
      index.add(inputOf(name), stamps.get(name) ?? '', embedding)
      progress.step()
      session.print(() => undefined) // shows the bar
      if (++unsaved % SAVED_EVERY === 0) await index.save()
    }
  } finally {
    progress.end()
  }
}

/** Those of the images that were named, or of all in the index, with the largest cosines. */
function best(
  index: ImageIndex,
  images: ReadonlyMap<string, string>,
  sought: Float32Array,
  top: number,
): readonly { readonly input: string; readonly score: number }[] {
  const inputs = images.size > 0 ? [...images.keys()] : index.inputs
  return inputs
    .flatMap((input) => {
      const embedding = index.embedding(input)
      return embedding ? { input, score: embedding.reduce((sum, value, i) => sum + value * (sought[i] ?? 0), 0) } : []
    })
    .sort((a, b) => b.score - a.score)
    .slice(0, top)
}

/** An image's name in an index: the same wherever the command is run. */
function inputOf(name: string): string {
  if (/^https?:/i.test(name)) return name
  return path.resolve(/^file:/i.test(name) ? fileURLToPath(name) : name)
}

async function allOf<T>(items: AsyncIterable<T>): Promise<readonly T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

function indexFile(name: string): string {
  if (path.extname(name) === '.safetensors') return name
  throw new InvalidArgumentError('Expected a name that ends in .safetensors.')
}
