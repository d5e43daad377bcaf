/** Formats the C++ files, or with `--check` fails and names what is not formatted. Part of `npm run format` and `npm run lint`. */
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import process from 'node:process'

const root = dirname(import.meta.dirname)
const mode = process.argv.includes('--check') ? ['--dry-run', '--Werror'] : ['-i']
const files = ['native', 'test/native'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(?:cc|h)$/.test(name))
    .map((name) => join(folder, name)),
)
const { status } = spawnSync(
  process.execPath,
  [join(root, 'node_modules', 'clang-format', 'index.js'), ...mode, ...files],
  {
    cwd: root,
    stdio: 'inherit',
  },
)
process.exitCode = status ?? 1
