import { existsSync, readFileSync } from 'node:fs'
import { dirname, extname, join, resolve } from 'node:path'
import { compileFunction } from 'node:vm'

import { BackendError } from '../errors.js'

/**
 * Evaluates CommonJS files of a package that lies outside every `node_modules`, handing them the packages they ask for.
 * tfjs-node has to run on the caller's own instance of tfjs, and two such instances may live in one process (each of
 * jest's test files has its own): Node's `require`, which caches by file, can do neither.
 *
 * @param packages what `require('name')` gives inside those files, for names that are not relative.
 * @returns `load(file)`: the exports of a file; a file is evaluated once.
 */
export function commonJsLoader(packages: (name: string) => unknown): (file: string) => unknown {
  const modules = new Map<string, { exports: unknown }>()

  function load(file: string): unknown {
    const known = modules.get(file)
    if (known) return known.exports
    const code = readFileSync(file, 'utf8')
    const module: { exports: unknown } = { exports: {} }
    modules.set(file, module) // before evaluation, as Node does: the files import each other in circles
    if (extname(file) === '.json') {
      module.exports = JSON.parse(code)
      return module.exports
    }
    const folder = dirname(file)
    const require = (name: string): unknown =>
      name.startsWith('.') ? load(fileOf(resolve(folder, name))) : packages(name)
    const parameters = ['exports', 'require', 'module', '__filename', '__dirname']
    const evaluate = compileFunction(code, parameters, { filename: file })
    Reflect.apply(evaluate, module.exports, [module.exports, require, module, file, folder])
    return module.exports
  }
  return load
}

function fileOf(path: string): string {
  const found = [path, `${path}.js`, join(path, 'index.js')].find((file) => extname(file) !== '' && existsSync(file))
  if (found) return found
  throw new BackendError('A file of the native backend is missing', {
    where: path,
    hint: 'Run `npx siglip setup --force`.',
  })
}
