import type { Command } from 'commander'
import { checkEmpty } from '../empty-folder.js'
import { revisionOption } from '../model-options.js'
import { openCheckpoint } from '../open-checkpoint.js'
import { oneOf } from '../option-values.js'
import { jsonLine, printable } from '../printable.js'
import type { Session } from '../session.js'

const FORMATS = ['onnx', 'saved_model'] as const

interface Options {
  readonly to: (typeof FORMATS)[number]
  readonly revision?: string
  readonly force?: boolean
  readonly json?: boolean
}

/** `siglip export`: exports a model as a graph for other programs. */
export function addExport(program: Command, session: Session): void {
  program
    .command('export')
    .description(
      'Exports a model as a graph for ONNX Runtime, or for TensorFlow and TF Serving. Needs the native backend.',
    )
    .argument('<model>', 'a checkpoint folder, or a name on the hub')
    .argument('<dst>', 'a new folder')
    .requiredOption('--to <format>', FORMATS.join(', '), oneOf(FORMATS))
    .addOption(revisionOption())
    .option('--force', 'write into a folder that is not empty; files of the same names are replaced')
    .option('--json', 'one JSON object')
    .addHelpText('after', '\nExample:\n  $ siglip export google/siglip-base-patch16-224 siglip-onnx --to onnx')
    .action((source: string, destination: string, options: Options) =>
      exportModel(source, destination, options, session),
    )
}

async function exportModel(
  source: string,
  destination: string,
  { to, revision, force = false, json = false }: Options,
  session: Session,
): Promise<void> {
  if (!force) await checkEmpty(destination, 'Name another one, or write into it with --force.')
  const { useBackend } = await import('../../jit/use-backend.js')
  const { AutoModel } = await import('../../models/auto/auto-model.js')
  const { exportOnnx, exportSavedModel } = await import('../../export/export-model.js')
  await useBackend('native')
  const model = await AutoModel.fromPretrained(await openCheckpoint(source, { revision }, session), {
    signal: session.signal,
  })
  try {
    const write = to === 'onnx' ? exportOnnx : exportSavedModel
    const files = await write(model, destination)
    if (json) process.stdout.write(`${jsonLine({ to, folder: destination, files })}\n`)
    else process.stdout.write(`${to}: ${printable(destination)}\n${files.map((name) => `  ${name}\n`).join('')}`)
  } finally {
    model.dispose()
  }
}
