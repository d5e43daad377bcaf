import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'

const native = path.join(__dirname, '..', '..', 'native')
/** They run without Node and TensorFlow. The other folders are faces of theirs. */
const core = ['gemm', 'kernels', 'program']
const faces = ['napi', 'tensorflow', 'wasm']

const files = core.flatMap((folder) =>
  readdirSync(path.join(native, folder), { recursive: true, encoding: 'utf8' }).map((name) => `${folder}/${name}`),
)
const includesOf = (file: string): string[] =>
  [...readFileSync(path.join(native, file), 'utf8').matchAll(/^\s*#\s*include\s*([<"][^>"]+[>"])/gm)].map(
    ([, name = '']) => name,
  )

describe('the core of the engine', () => {
  it('is every folder of native/ but its faces', () => {
    expect(readdirSync(native).sort()).toEqual([...core, ...faces].sort())
    expect(files.length).toBeGreaterThan(20)
  })

  it.each(files)('%s includes the core and the system alone', (file) => {
    for (const name of includesOf(file)) {
      if (name.startsWith('"')) expect(core).toContain(name.slice(1).split('/')[0])
      else expect(name).toMatch(/^<(?:[a-z_]+|sys\/[a-z]+\.h|(?:arm_neon|cpuid|immintrin|unistd|wasm_simd128)\.h)>$/)
    }
  })

  it('is known to its faces, which know Node and TensorFlow', () => {
    const known = faces.flatMap((folder) =>
      readdirSync(path.join(native, folder)).flatMap((name) => includesOf(`${folder}/${name}`)),
    )
    expect(known).toEqual(expect.arrayContaining(['"program/engine.h"', '<node_api.h>', '<tensorflow/c/c_api.h>']))
  })
})
