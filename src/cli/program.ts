import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { addCache } from './commands/cache.js'
import { addClassify } from './commands/classify.js'
import { addConvert } from './commands/convert.js'
import { addDoctor } from './commands/doctor.js'
import { addDownload } from './commands/download.js'
import { addEmbed } from './commands/embed.js'
import { addEval } from './commands/eval.js'
import { addExport } from './commands/export.js'
import { addInspect } from './commands/inspect.js'
import { addSearch } from './commands/search.js'
import type { Session } from './session.js'
import { addSetup } from './commands/setup.js'
import { addTokenize } from './commands/tokenize.js'
import { addTrain } from './commands/train.js'

/** All commands. What a command needs is loaded when it runs, so that help is there at once. */
export function siglipProgram(session: Session): Command {
  const program = new Command('siglip')
    .description('SigLIP, the vision–language model: classify images, embed images and texts, fine-tune.')
    .option('--debug', 'print the stack of errors')
    .option('--quiet', 'print only errors')
    .version(packageVersion(), '--version', 'print the version')
    .helpOption('-h, --help', 'show this help')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ outputError: () => undefined }) // `run` prints errors
    .exitOverride()
    .hook('preAction', () => {
      session.configure(program.opts<{ debug?: true; quiet?: true }>())
    })
  for (const add of [
    addClassify,
    addSearch,
    addEmbed,
    addTokenize,
    addTrain,
    addEval,
    addInspect,
    addConvert,
    addExport,
    addDownload,
    addCache,
    addSetup,
    addDoctor,
  ])
    add(program, session)
  return program
}

/** Of the `package.json` above `dist/src/cli`. */
function packageVersion(): string {
  const json: unknown = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'))
  return typeof json === 'object' && json !== null && 'version' in json ? String(json.version) : 'unknown'
}
