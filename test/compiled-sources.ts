import { transformFileSync } from '@swc/core'
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'

/** Another process can't run TypeScript: it gets sources compiled as jest compiles them, at the same paths below `folder`. */
export async function compileSources(folder: string, files: readonly string[]): Promise<void> {
  for (const file of files) {
    const { code } = transformFileSync(file, { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' } })
    const target = path.join(folder, file.replace(/ts$/, 'js'))
    await mkdir(path.dirname(target), { recursive: true })
    await writeFile(target, code)
  }
  await writeFile(path.join(folder, 'package.json'), '{"type":"module"}')
}
