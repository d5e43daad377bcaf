/**
 * Compiles the engine for WebAssembly into `engines/`: `npm run build:engines`. The compiler is fetched from PyPI, with a hash; what it
 * writes is the same to the byte on every Linux machine. `engines.json` has the hashes. `-- --out FOLDER --objects FOLDER` writes, and
 * keeps what is between, elsewhere.
 */
import { createHash } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import process from 'node:process'
import { parseArgs } from 'node:util'
import { gzipSync } from 'node:zlib'

import { fetchToolchain } from './engines/toolchain.js'
import { buildWasm, WASM_BUILDS, wasmSources } from './engines/wasm.js'

const root = dirname(import.meta.dirname)
const { values } = parseArgs({
  options: {
    out: { type: 'string', default: join(root, 'engines') },
    objects: { type: 'string', default: join(root, 'out', 'engines') },
  },
})
const to = { folder: resolve(values.out), objects: resolve(values.objects) }
const toolchain = await fetchToolchain()
const builds = {}
for (const name of Object.keys(WASM_BUILDS)) {
  const bytes = await readFile(await buildWasm(toolchain, name, to))
  builds[name] = createHash('sha256').update(bytes).digest('hex')
  process.stdout.write(`engine-${name}.wasm ${Math.round(gzipSync(bytes).length / 1000)} kB gzip\n`)
}
const record = { sources: await wasmSources(), builds }
await writeFile(join(to.folder, 'engines.json'), `${JSON.stringify(record, undefined, 2)}\n`)
