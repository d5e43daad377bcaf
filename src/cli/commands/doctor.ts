import type { Command } from 'commander'
import { jsonLine, printable } from '../printable.js'

/** `siglip doctor`: what runs here, and why. */
export function addDoctor(program: Command): void {
  program
    .command('doctor')
    .description('Reports what determines the speed on this machine: versions, backend, processor, threads and cache.')
    .option('--json', 'one JSON object')
    .addHelpText('after', '\nExample:\n  $ siglip doctor')
    .action(examine)
}

async function examine({ json = false }: { readonly json?: boolean }): Promise<void> {
  const { doctor, formatDoctor } = await import('../../setup/doctor.js')
  const report = await doctor()
  const text = json ? jsonLine(report) : formatDoctor(report).split('\n').map(printable).join('\n')
  process.stdout.write(`${text}\n`)
}
