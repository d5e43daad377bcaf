import { execFileSync } from 'node:child_process'

/** The entries of the package, and which of them need TensorFlow.js. */
const entries = [
  ['siglip-tfjs/tokenizer', false],
  ['siglip-tfjs/image', false],
  ['siglip-tfjs/safetensors', false],
  ['siglip-tfjs/jit', true],
  ['siglip-tfjs/training', true],
  ['siglip-tfjs', true],
] as const

interface Loaded {
  readonly names: readonly string[]
  readonly loadsTfjs: boolean
}

const loaded = new Map<string, Loaded>()
beforeAll(() => {
  for (const [entry] of entries) {
    const program = `
      import { createRequire } from 'node:module'
      const names = Object.keys(await import('${entry}'))
      const files = Object.keys(createRequire(import.meta.url).cache)
      console.log(JSON.stringify({ names, loadsTfjs: files.some((file) => file.includes('@tensorflow')) }))`
    const output = execFileSync(process.execPath, ['--input-type=module', '-e', program])
    loaded.set(entry, JSON.parse(output.toString()) as Loaded)
  }
})

it.each(entries)('%s loads TensorFlow.js: %s', (entry, loadsTfjs) => {
  expect(loaded.get(entry)?.loadsTfjs).toBe(loadsTfjs)
})

it.each(['image', 'jit', 'tokenizer', 'training'])('what siglip-tfjs/%s exports is in siglip-tfjs as well', (name) => {
  const own = loaded.get(`siglip-tfjs/${name}`)?.names ?? []
  expect(own).not.toHaveLength(0)
  expect(loaded.get('siglip-tfjs')?.names).toEqual(expect.arrayContaining([...own]))
})
