import type { Command } from 'commander'
import { downloadProgress } from '../download-progress.js'
import { gathered } from '../option-values.js'
import { jsonLine, printable } from '../printable.js'
import type { Session } from '../session.js'

interface Options {
  readonly revision?: string
  readonly token?: string
  readonly file?: readonly string[]
  readonly cacheDir?: string
  readonly json?: boolean
}

/** `siglip download`: downloads a model of the hub in advance. */
export function addDownload(program: Command, session: Session): void {
  program
    .command('download')
    .description('Downloads a model from the Hugging Face Hub into the cache that it shares with Python.')
    .argument('<model>', 'its name on the hub: owner/name, or owner/name@revision')
    .option('--revision <name>', 'a branch, a tag or a commit (default: main)')
    .option('--token <token>', 'for private and gated models (otherwise HF_TOKEN, or that of `hf auth login`)')
    .option('--file <name>', 'download this file instead of those that loading needs; may be repeated', gathered)
    .option('--cache-dir <dir>', 'the cache (otherwise HF_HUB_CACHE, or that of Python’s huggingface_hub)')
    .option('--json', 'one JSON object')
    .addHelpText('after', '\nExample:\n  $ siglip download google/siglip-base-patch16-224')
    .action((model: string, options: Options) => download(model, options, session))
}

async function download(model: string, { file, json = false, ...options }: Options, session: Session): Promise<void> {
  const { downloadModel } = await import('../../hub/download-model.js')
  const { onProgress, end } = downloadProgress(session)
  try {
    const folder = await downloadModel(model, { ...options, files: file, signal: session.signal, onProgress })
    process.stdout.write(`${json ? jsonLine({ model, folder }) : printable(folder)}\n`)
  } finally {
    end()
  }
}
