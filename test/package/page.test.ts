import { readFile } from 'node:fs/promises'
import { isBuiltin } from 'node:module'
import path from 'node:path'

const root = path.join(__dirname, '..', '..')
const specifier = /\b(?:from|import)\s*\(?\s*'([^']+)'/g

/** Every package that the built modules reach from `entry` as a page takes them: by the `default` of package.json's imports. */
async function packagesOfPage(entry: string): Promise<string[]> {
  const { imports } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8')) as {
    imports: Record<string, { default: string }>
  }
  const packages = new Set<string>()
  const files = new Set([path.join(root, entry)])
  for (const file of files) {
    const code = (await readFile(file, 'utf8')).replace(/\/\*[^]*?\*\//g, '')
    for (const [, name = ''] of code.matchAll(specifier)) {
      if (name.startsWith('.')) files.add(path.join(path.dirname(file), name))
      else if (name.startsWith('#')) files.add(path.join(root, imports[name]!.default))
      else packages.add(name)
    }
  }
  expect(files.size).toBeGreaterThan(5)
  return [...packages].sort()
}

describe('a page', () => {
  it('reaches no module of Node, and no package that brings one along', async () => {
    const packages = await packagesOfPage('dist/src/index.js')
    expect(packages.filter((name) => isBuiltin(name))).toEqual([])
    expect(packages).toEqual(['@bufbuild/protobuf/wire', '@tensorflow/tfjs', '@tensorflow/tfjs-backend-wasm', 'fflate'])
  })

  it('takes safetensors alone without any package', async () => {
    expect(await packagesOfPage('dist/converters/formats/safetensors.js')).toEqual([])
  })
})
