import { stat } from 'node:fs/promises'
import path from 'node:path'
import type { Command } from 'commander'
import { elementCount } from '../../../converters/formats/dtypes.js'
import type { Weights } from '../../../converters/formats/weights.js'
import { ConfigError } from '../../errors.js'
import { ADAPTER_CONFIG } from '../../hub/model-files.js'
import type { CheckpointFolder } from '../../hub/checkpoint-folder.js'
import { revisionOption } from '../model-options.js'
import { openCheckpoint } from '../open-checkpoint.js'
import { jsonLine, printable } from '../printable.js'
import type { Session } from '../session.js'
import { largest } from '../../largest.js'
import { readJsonObject } from '../../hub/read-json.js'

/** `siglip inspect`: the contents of a checkpoint. */
export function addInspect(program: Command, session: Session): void {
  program
    .command('inspect')
    .description('Lists the weights of a checkpoint folder or file. Reads only their headers.')
    .argument('<path>', 'a checkpoint folder, or a weight file')
    .addOption(revisionOption())
    .option('--json', 'one JSON object')
    .addHelpText('after', '\nExample:\n  $ siglip inspect model.safetensors')
    .action((where: string, options: Options) => inspect(where, options, session))
}

interface Options {
  readonly revision?: string
  readonly json?: boolean
}

async function inspect(where: string, { revision, json = false }: Options, session: Session): Promise<void> {
  const { openWeights } = await import('../../../converters/formats/open-weights.js')
  const { openPeftAdapter } = await import('../../../converters/names/peft-adapter.js')

  const isFile = (await stat(where).catch(() => undefined))?.isFile() ?? false
  const folder = await openCheckpoint(where, { revision }, session)
  const { adapter } = folder
  const weights = adapter ? (await openPeftAdapter(adapter)).weights : await openWeights(folder)
  const config = adapter ? await readJsonObject(adapter, ADAPTER_CONFIG) : await configFor(folder, weights, isFile)

  const tensors = [...weights.tensors].map(([name, { dtype, shape }]) => ({ name, dtype, shape }))
  const parameters = tensors.reduce((sum, { shape }) => sum + elementCount(shape), 0)
  if (json) process.stdout.write(`${jsonLine({ tensors, parameters, config })}\n`)
  else process.stdout.write(table(weights, parameters, await metadata(adapter ?? folder, weights)))
}

/** A single file has no configuration; a folder's is its config.json, or follows from other projects' files and the shapes. */
async function configFor(folder: CheckpointFolder, weights: Weights, isFile: boolean): Promise<object | null> {
  if (isFile) return null
  const { configOf } = await import('../../../converters/configs/config-of.js')
  try {
    return await configOf(folder, weights)
  } catch (error) {
    if (error instanceof ConfigError && !(await folder.has('config.json'))) return null // weights of something else are shown, too
    throw error
  }
}

function table({ tensors, location }: Weights, parameters: number, more: Readonly<Record<string, string>>): string {
  const rows = [...tensors].map(
    ([name, { dtype, shape }]) => [printable(name), dtype, `[${shape.join(', ')}]`] as const,
  )
  const width = largest(rows.map(([name]) => name.length))
  const bytes = [...tensors.values()].reduce((sum, { byteLength }) => sum + byteLength, 0)
  return [
    ...rows.map(([name, dtype, shape]) => `${name.padEnd(width)}  ${dtype.padEnd(4)}  ${shape}`),
    '',
    printable(location),
    `${tensors.size} tensors, ${parameters.toLocaleString('en')} parameters, ${bytes.toLocaleString('en')} bytes`,
    ...Object.entries(more).map(([key, value]) => `${printable(key)}: ${printable(value)}`),
    '',
  ].join('\n')
}

/** The metadata of a safetensors file. */
async function metadata(folder: CheckpointFolder, { location }: Weights): Promise<Readonly<Record<string, string>>> {
  const name = path.posix.basename(location.replaceAll(path.sep, '/'))
  if (!name.endsWith('.safetensors')) return {}
  const { openSafetensors } = await import('../../../converters/formats/safetensors.js')
  const read = (start: number, end: number) => folder.range(name, start, end)
  return (await openSafetensors({ name: location, size: await folder.size(name), read })).metadata
}
