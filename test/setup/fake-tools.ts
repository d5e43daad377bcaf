import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'

/** A folder with a cache of its own and tools of its own that shadow the system's. */
export interface FakeTools {
  readonly folder: string
  readonly cache: string
  /** Makes a tool: the body of a program in which `args` is what it was called with. */
  readonly tool: (name: string, program: string) => Promise<void>
  readonly remove: () => Promise<void>
}

/** Sets `PATH` and `SIGLIP_CACHE` until `remove` is called; nothing of the system's is found but what a test makes. */
export async function fakeTools(): Promise<FakeTools> {
  const folder = await mkdtemp(join(tmpdir(), 'tools-'))
  const bin = join(folder, 'bin')
  await mkdir(bin)
  const before = { ...process.env }
  process.env['PATH'] = [bin, '/nowhere'].join(delimiter)
  process.env['SIGLIP_CACHE'] = join(folder, 'cache')
  delete process.env['CXX']
  return {
    folder,
    cache: join(folder, 'cache'),
    tool: async (name, program) => {
      const path = join(bin, name)
      const start = 'const args = process.argv.slice(2); const { writeFileSync, appendFileSync } = require("node:fs");'
      await writeFile(path, `#!${process.execPath}\n${start}\n${program}\n`)
      await chmod(path, 0o755)
    },
    remove: async () => {
      for (const name of ['PATH', 'SIGLIP_CACHE', 'CXX']) {
        if (before[name] === undefined) Reflect.deleteProperty(process.env, name)
        else process.env[name] = before[name]
      }
      await rm(folder, { recursive: true, force: true })
    },
  }
}
