import { execFile } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import path from 'node:path'
import { promisify } from 'node:util'

/** A parsed object of JSON, its values not yet checked. */
export type JsonObject = Readonly<Record<string, unknown>>

/** Packages in a separate folder, independent of this project's. */
export class PackageFolder {
  /** @param folder has the packages in `node_modules`. */
  constructor(readonly folder: string) {}

  /** Installs packages with the npm client, unless they are there; no scripts of theirs are run. */
  static async install(folder: string, packages: readonly string[]): Promise<PackageFolder> {
    await mkdir(folder, { recursive: true })
    await writeFile(path.join(folder, 'package.json'), '{ "private": true }\n')
    const arguments_ = ['install', '--ignore-scripts', '--no-save', '--no-audit', '--no-fund', '--prefer-offline']
    await promisify(execFile)('npm', [...arguments_, ...packages], {
      cwd: folder,
      shell: process.platform === 'win32', // npm is a batch file there
    })
    return new PackageFolder(path.resolve(folder))
  }

  /** A file of a package that holds a JSON object or list. */
  async json(...names: readonly string[]): Promise<unknown> {
    return JSON.parse(await readFile(path.join(this.folder, 'node_modules', ...names), 'utf8'))
  }

  /** A file of a package that holds a JSON object. */
  async object(...names: readonly string[]): Promise<JsonObject> {
    const value = await this.json(...names)
    if (isObject(value)) return value
    throw new Error(`${names.join('/')} holds no JSON object`)
  }
}

/** What a CommonJS package in the folder exports. */
export function requireFrom(folder: string, name: string): unknown {
  return createRequire(path.join(folder, 'package.json'))(name)
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
