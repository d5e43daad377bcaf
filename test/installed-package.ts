import { cp, mkdir, readdir, symlink } from 'node:fs/promises'
import path from 'node:path'

/**
 * Installs this package, as `npm run build` has built it, in the `node_modules` of a project, a copy as npm makes one. What it depends
 * on is linked beside it, unless it is there already.
 *
 * @returns its folder.
 */
export async function installPackage(project: string): Promise<string> {
  const modules = path.join(project, 'node_modules')
  const at = path.join(modules, 'siglip-tfjs')
  await mkdir(at, { recursive: true })
  for (const part of ['package.json', 'native', 'dist/src', 'dist/converters'])
    await cp(part, path.join(at, part), { recursive: true })
  await linkAll('node_modules', modules)
  return at
}

async function linkAll(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true })
  for (const name of await readdir(from)) {
    if (name.startsWith('@')) await linkAll(path.join(from, name), path.join(to, name))
    else if (!name.startsWith('.')) await symlink(path.resolve(from, name), path.join(to, name)).catch(() => undefined) // it is there
  }
}
