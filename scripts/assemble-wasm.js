// Assembles src/image/convolve.wat into src/image/resize/convolve-wasm.ts.
import { Buffer } from 'node:buffer'
import { readFile, writeFile } from 'node:fs/promises'
import wabt from 'wabt'

const source = 'src/image/convolve.wat'
const assembler = await wabt()
const module = assembler.parseWat(source, await readFile(source, 'utf8'), { simd: true })
module.validate({ simd: true })
const lines = Buffer.from(module.toBinary({}).buffer)
  .toString('base64')
  .match(/.{1,100}/g)
await writeFile(
  'src/image/resize/convolve-wasm.ts',
  `/** \`convolve.wat\`, assembled by \`npm run wasm\`: base64. */
export const CONVOLVE_WASM = [
${lines.map((line) => `  '${line}',\n`).join('')}].join('')
`,
)
