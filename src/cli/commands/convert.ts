import { InvalidArgumentError, type Command } from 'commander'
import { NAMINGS, type Naming } from '../../../converters/names/naming.js'
import type { WeightFilesOptions } from '../../../converters/formats/weight-files.js'
import { checkEmpty } from '../empty-folder.js'
import { revisionOption } from '../model-options.js'
import { openCheckpoint } from '../open-checkpoint.js'
import { count, oneOf } from '../option-values.js'
import { jsonLine, printable } from '../printable.js'
import type { Session } from '../session.js'

const DTYPES = { float32: 'F32', float16: 'F16', bfloat16: 'BF16' } as const
const dtypeNames = ['float32', 'float16', 'bfloat16'] as const satisfies readonly (keyof typeof DTYPES)[]

interface Options {
  readonly to: Naming
  readonly revision?: string
  readonly dtype?: keyof typeof DTYPES
  readonly tower?: 'text' | 'vision'
  readonly maxShardSize?: WeightFilesOptions['maxShardSize']
  readonly heads?: number
  readonly force?: true
  readonly json?: true
}

/** `siglip convert`: converts a checkpoint to the format of another project. */
export function addConvert(program: Command, session: Session): void {
  program
    .command('convert')
    .description(
      'Converts a checkpoint to the format of another project: weights, configuration, tokenizer, image processor.',
    )
    .argument('<src>', 'a checkpoint folder, a weight file (.npz, .safetensors, .bin), or a name on the hub')
    .argument('<dst>', 'a new folder')
    .requiredOption('--to <format>', NAMINGS.join(', '), oneOf(NAMINGS))
    .addOption(revisionOption())
    .option('--dtype <type>', `${dtypeNames.join(', ')} (default: as they are stored)`, oneOf(dtypeNames))
    .option('--tower <tower>', 'text or vision: convert only this tower', oneOf(['text', 'vision']))
    .option('--max-shard-size <size>', 'maximum size of a file, e.g. 5GB; transformers only', shardSize)
    .option('--heads <n>', 'attention heads, if no file gives their number', count)
    .option('--force', 'write into a folder that is not empty: a SigLIP checkpoint in it is replaced, other files stay')
    .option('--json', 'one JSON object')
    .addHelpText('after', '\nExample:\n  $ siglip convert webli_en_b16_224.npz siglip-base --to transformers')
    .action((source: string, destination: string, options: Options) => convert(source, destination, options, session))
}

async function convert(source: string, destination: string, options: Options, session: Session): Promise<void> {
  const { convertCheckpoint } = await import('../../../converters/convert-checkpoint.js')
  const { to, revision, dtype, tower, maxShardSize, heads, force = false, json = false } = options
  if (!force) await checkEmpty(destination, 'Name another one, or replace the checkpoint in it with --force.')
  const folder = await openCheckpoint(source, { revision }, session)
  const { progressPrinter } = await import('../../setup/setup-progress.js')
  const { onProgress, end } = progressPrinter(process.stderr)
  try {
    const { from, files, notes } = await convertCheckpoint(folder, destination, {
      to,
      dtype: dtype && DTYPES[dtype],
      tower,
      maxShardSize,
      heads,
      onProgress: ({ readBytes, totalBytes }) => {
        if (session.quiet || !process.stderr.isTTY) return
        onProgress({ step: 'convert', message: 'weights', bytes: readBytes, total: totalBytes })
      },
      signal: session.signal,
    })
    end()
    for (const note of notes) session.say(note)
    const names = files.map((name) => `  ${printable(name)}\n`).join('')
    if (json) process.stdout.write(`${jsonLine({ from, to, folder: destination, files, notes })}\n`)
    else process.stdout.write(`${from} → ${to}: ${printable(destination)}\n${names}`)
  } finally {
    end()
  }
}

function shardSize(text: string): NonNullable<WeightFilesOptions['maxShardSize']> {
  const [, digits, unit] = /^(\d+(?:\.\d+)?)(KB|MB|GB|TB)$/.exec(text) ?? []
  if (unit === 'KB' || unit === 'MB' || unit === 'GB' || unit === 'TB') return `${Number(digits)}${unit}`
  throw new InvalidArgumentError('Expected a size such as 5GB.')
}
