import type { Command } from 'commander'
import { jsonLine, printable } from '../printable.js'
import type { Session } from '../session.js'

interface Options {
  readonly force?: boolean
  readonly official?: boolean
  readonly json?: boolean
}

const OUTCOMES = {
  already: 'was there already',
  built: 'is built',
  rebuilt: 'addons rebuilt',
  official: 'is installed by tfjs-node',
} as const

/** `siglip setup`: the native backend. */
export function addSetup(program: Command, session: Session): void {
  program
    .command('setup')
    .description('Installs the native backend, which is several times faster, once for all your projects.')
    .option('--force', 'rebuild an existing backend')
    .option(
      '--official',
      'use tfjs-node’s own installer, which downloads from Google’s servers; slower, without the engine',
    )
    .option('--json', 'one JSON object')
    .addHelpText('after', '\nExample:\n  $ siglip setup')
    .action((options: Options) => addNative(options, session))
}

async function addNative({ force = false, official = false, json = false }: Options, session: Session): Promise<void> {
  const { setup } = await import('../../setup/setup.js')
  const { progressPrinter } = await import('../../setup/setup-progress.js')
  const { onProgress, end } = progressPrinter(process.stderr)
  try {
    const report = await setup({ signal: session.signal, force, official, ...(session.quiet ? {} : { onProgress }) })
    end()
    const { outcome, folder, tensorflow } = report
    const line = json ? jsonLine(report) : `TensorFlow ${tensorflow} ${OUTCOMES[outcome]}: ${printable(folder)}`
    process.stdout.write(`${line}\n`)
  } finally {
    end()
  }
}
