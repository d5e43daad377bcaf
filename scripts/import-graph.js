/**
 * The imports of the tree as TypeScript resolves them: type imports and the `#…` imports of `package.json` included, each with
 * every file that its conditions (`node`, `default`) lead to.
 */
import { readFileSync } from 'node:fs'
import { relative } from 'node:path'
import { globSync } from 'tinyglobby'
import ts from 'typescript'

/** @typedef {{ readonly from: string, readonly to: string }} Import paths of two files, from the root */

const OPTIONS = { module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext }

/**
 * @param {string} root the folder of `package.json`
 * @param {readonly string[]} folders those whose files are read
 * @returns {Import[]} imports between files of the tree; those of packages are left out
 * @throws Error if an import of a file resolves to nothing
 */
export function readImports(root, folders) {
  const files = globSync(
    folders.map((folder) => `${folder}/**/*.ts`),
    { cwd: root },
  ).sort()
  const subpaths = subpathImports(root)
  return files.flatMap((from) => {
    const { importedFiles } = ts.preProcessFile(readFileSync(`${root}/${from}`, 'utf8'), true, true)
    return importedFiles.flatMap(({ fileName: name }) => {
      const found = name.startsWith('#') ? subpaths.get(name) : name.startsWith('.') ? [resolved(root, from, name)] : []
      if (!found || found.includes(undefined)) throw new Error(`${from} imports ${name}, which leads nowhere`)
      return found.map((to) => ({ from, to }))
    })
  })
}

function resolved(root, from, name) {
  const { resolvedModule } = ts.resolveModuleName(name, `${root}/${from}`, OPTIONS, ts.sys)
  return resolvedModule && relative(root, resolvedModule.resolvedFileName)
}

/**
 * The sources behind each `#…` import of `package.json`, the one for Node first.
 *
 * @param {string} root the folder of `package.json`
 * @returns {Map<string, string[]>}
 */
export function subpathImports(root) {
  const { imports } = JSON.parse(readFileSync(`${root}/package.json`, 'utf8'))
  const source = (built) => built.replace('./dist/', '').replace(/\.js$/, '.ts')
  return new Map(Object.entries(imports).map(([name, targets]) => [name, Object.values(targets).map(source)]))
}

/**
 * Groups of files that import each other in circles (strongly connected components of two files or more, and files that import
 * themselves), after Tarjan.
 *
 * @param {readonly Import[]} imports
 * @returns {string[][]}
 */
export function circlesOf(imports) {
  const next = new Map()
  for (const { from, to } of imports) next.set(from, (next.get(from) ?? new Set()).add(to))
  const index = new Map()
  const low = new Map()
  const path = []
  const circles = []
  const visit = (file) => {
    index.set(file, index.size)
    low.set(file, index.get(file))
    path.push(file)
    for (const to of next.get(file) ?? []) {
      if (!index.has(to)) visit(to)
      if (path.includes(to)) low.set(file, Math.min(low.get(file), low.get(to)))
    }
    if (low.get(file) !== index.get(file)) return
    const members = path.splice(path.indexOf(file))
    if (members.length > 1 || next.get(file)?.has(file)) circles.push(members.sort())
  }
  for (const file of next.keys()) if (!index.has(file)) visit(file)
  return circles
}
