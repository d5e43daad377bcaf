import { type Command, Option } from 'commander'
import { UsageError } from '../../errors.js'
import { openEmbedder } from '../open-embedder.js'
import { checkNamesFit, checkWritable, embeddingsFile, saveEmbeddings } from '../embeddings-file.js'
import { findImages } from '../find-images.js'
import { addModelOptions, modelFolder, type ModelOptions } from '../model-options.js'
import { jsonLine, printable } from '../printable.js'
import { Progress } from '../progress.js'
import { readLines } from '../read-lines.js'
import type { Session } from '../session.js'
import { shortestFloat32 } from '../shortest-float32.js'

interface Options extends ModelOptions {
  readonly image?: readonly string[]
  readonly text?: readonly string[]
  readonly texts?: string
  readonly normalize?: true
  readonly out?: string
  readonly json?: true
}

/** `siglip embed`: embeddings of images or texts. */
export function addEmbed(program: Command, session: Session): void {
  const command = program
    .command('embed')
    .description('Embeds images or texts.')
    .addOption(
      new Option('--image <file...>', 'files, folders, patterns, URLs, - for stdin').conflicts(['text', 'texts']),
    )
    .addOption(new Option('--text <text...>', 'texts').conflicts('texts'))
    .option('--texts <file>', 'texts, one per line; - for stdin')
    .option('--normalize', 'L2-normalize, so that dot products are cosines')
    .option(
      '--out <file>',
      'write them to a .npy or .safetensors file, one per row; row names go to FILE.npy.json',
      embeddingsFile,
    )
  addModelOptions(command)
    .option('--json', 'one JSON object per line')
    .addHelpText('after', '\nExample:\n  $ siglip embed --image photos --normalize --out photos.npy --model DIR')
    .action((options: Options) => embed(options, session))
}

async function embed(options: Options, session: Session): Promise<void> {
  const kind = options.image ? 'image' : 'text'
  const folder = modelFolder(options, session)
  const inputs = await inputsOf(options, session)
  if (options.out !== undefined) {
    await checkWritable(options.out)
    checkNamesFit(options.out, inputs)
  }
  const embedder = await openEmbedder(folder, options, session)
  const progress = await Progress.start(session, inputs.length, 8, `${kind}s`)
  const names: string[] = []
  const rows: Float32Array[] = []
  try {
    for await (const [name, row] of embedder[`${kind}s`](inputs)) {
      if (options.out !== undefined) {
        names.push(name)
        rows.push(row)
      }
      progress.step()
      session.print(() => {
        if (options.json) process.stdout.write(line(kind, name, row))
        else if (options.out === undefined) process.stdout.write(summary(name, row))
      })
    }
  } finally {
    progress.end()
    embedder.dispose()
  }
  session.signal.throwIfAborted() // what is not complete is not written
  if (options.out === undefined || rows.length === 0) return
  await saveEmbeddings(options.out, rows, { kind, inputs: names })
  session.say(`${options.out}: ${rows.length} × ${rows[0]?.length} float32`)
}

async function inputsOf({ image, text, texts }: Options, session: Session): Promise<readonly string[]> {
  if (image)
    return findImages(image, (line) => {
      session.say(line)
    })
  const given = texts === undefined ? text : await readLines(texts, session.signal)
  if (given && given.length > 0) return given
  throw new UsageError('Missing inputs', { hint: 'Give images by --image, or texts by --text or --texts FILE.' })
}

function line(kind: 'image' | 'text', name: string, row: Float32Array): string {
  return `${jsonLine({ [kind]: name, embedding: Array.from(row, shortestFloat32) })}\n`
}

function summary(name: string, row: Float32Array): string {
  const first = Array.from(row.subarray(0, 4), (value) => value.toFixed(4)).join(', ')
  return `${printable(name)}  [${first}${row.length > 4 ? ', …' : ''}]  ${row.length} numbers\n`
}
