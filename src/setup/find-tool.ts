import { accessSync, constants, statSync } from 'node:fs'
import { delimiter, isAbsolute, join, resolve } from 'node:path'

/**
 * The absolute path of a program on `PATH`. Entries that are not absolute are passed over: they would name the folder that the user
 * is in, whose files are data. A name that contains a path is used unchanged.
 */
export function findTool(name: string, env: NodeJS.ProcessEnv = process.env): string | undefined {
  if (/[/\\]/.test(name)) return resolve(name)
  const endings = process.platform === 'win32' ? ['.exe', '.com', ''] : ['']
  return absoluteEntries(pathOf(env)[1])
    .flatMap((folder) => endings.map((ending) => join(folder, name + ending)))
    .find(isProgram)
}

/** The environment for a program: as it is, but with none but absolute entries in `PATH`. */
export function toolEnvironment(env: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  const [name, value] = pathOf(env)
  return { ...env, [name]: absoluteEntries(value).join(delimiter) }
}

/** On Windows the variable may be spelled `Path`. */
function pathOf(env: NodeJS.ProcessEnv): [name: string, value: string] {
  const name = Object.keys(env).find((key) => key.toUpperCase() === 'PATH') ?? 'PATH'
  return [name, env[name] ?? '']
}

function absoluteEntries(path: string): string[] {
  return path.split(delimiter).filter((entry) => isAbsolute(entry))
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return statSync(file).isFile()
  } catch {
    return false
  }
}
