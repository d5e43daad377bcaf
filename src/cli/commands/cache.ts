import type { Command } from 'commander'
import { HubError } from '../../errors.js'
import { megabytes } from '../download-progress.js'
import { jsonLine, printable } from '../printable.js'
import type { Session } from '../session.js'

interface Options {
  readonly cacheDir?: string
  readonly json?: boolean
}

/** `siglip cache`: downloaded models. */
export function addCache(program: Command, session: Session): void {
  const cache = program
    .command('cache')
    .description('Lists, verifies and prunes downloaded models.')
    .addHelpText('after', '\nExample:\n  $ siglip cache list')
  const command = (name: string, description: string): Command =>
    cache
      .command(name)
      .description(description)
      .option('--cache-dir <dir>', 'the cache (otherwise HF_HUB_CACHE, or that of Python’s huggingface_hub)')
      .option('--json', 'one JSON object per line')
      .addHelpText('after', `\nExample:\n  $ siglip cache ${name}`)
  command('list', 'Lists the models in the cache and their sizes.').action(list)
  command('verify', 'Rehashes every file and checks every link.')
    .option('--remove', 'remove damaged files: they are downloaded again when next needed')
    .action((options: Options & { readonly remove?: boolean }) => verify(options, session))
  command('prune', 'Lists what no branch or tag refers to any more: old revisions, interrupted downloads.')
    .option('--yes', 'remove it')
    .action((options: Options & { readonly yes?: boolean }) => prune(options, session))
}

async function list({ json = false, ...options }: Options): Promise<void> {
  const { listCache } = await import('../../hub/list-cache.js')
  for (const entry of await listCache(options)) {
    const { model, commit, refs, files, bytes } = entry
    const at = refs.length > 0 ? refs.join(', ') : 'no branch'
    const line = `${model}  ${commit.slice(0, 7)} (${at})  ${files} files, ${megabytes(bytes)} MB`
    print(json ? jsonLine(entry) : printable(line))
  }
}

async function verify(
  { json = false, remove = false, cacheDir }: Options & { readonly remove?: boolean },
  { signal }: Session,
): Promise<void> {
  const { verifyCache } = await import('../../hub/verify-cache.js')
  const counts = { right: 0, damaged: 0, lost: 0, unknown: 0 }
  for await (const file of verifyCache({ cacheDir, remove, signal })) {
    counts[file.state]++
    if (json) print(jsonLine(file))
    else if (file.state !== 'right') print(printable(`${file.state}  ${file.path}`))
  }
  if (!json) print(`${counts.right} right, ${counts.damaged} damaged, ${counts.lost} lost, ${counts.unknown} unknown`)
  if (remove || counts.damaged + counts.lost === 0) return
  throw new HubError('Files of the cache are damaged or lost', {
    found: String(counts.damaged + counts.lost),
    hint: 'Run `siglip cache verify --remove`; files are downloaded again when needed.',
  })
}

async function prune(
  { json = false, yes = false, cacheDir }: Options & { readonly yes?: boolean },
  session: Session,
): Promise<void> {
  const { pruneCache } = await import('../../hub/prune-cache.js')
  const found = await pruneCache({ cacheDir, dryRun: !yes })
  for (const item of found) print(json ? jsonLine(item) : printable(`${item.kind}  ${item.model}  ${item.path}`))
  const total = megabytes(found.reduce((sum, { bytes }) => sum + bytes, 0))
  if (found.length === 0) session.say('There is nothing to remove.')
  else session.say(yes ? `Removed: ${total} MB.` : `${total} MB would be freed. Run it with --yes to remove this.`)
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}
