import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'

import { BackendError } from '../../src/errors.js'
import { unpackTarball } from '../../src/setup/tarball.js'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tarball-'))
})
afterEach(() => rm(folder, { recursive: true }))

function entry(name: string, content: string, kind = '0'): Buffer {
  const header = Buffer.alloc(512)
  header.write(name, 0)
  header.write(`${content.length.toString(8).padStart(11, '0')} `, 124)
  header.fill(' ', 148, 156)
  header.write(kind, 156)
  const sum = header.reduce((all, byte) => all + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  const body = Buffer.alloc(Math.ceil(content.length / 512) * 512)
  body.write(content)
  return Buffer.concat([header, body])
}

async function unpack(...blocks: readonly Buffer[]): Promise<string[]> {
  const path = join(folder, 'package.tgz')
  await writeFile(path, gzipSync(Buffer.concat([...blocks, Buffer.alloc(1024)])))
  await unpackTarball(path, join(folder, 'out'), (name) => (name.endsWith('.md') ? undefined : name))
  return (await readdir(join(folder, 'out'), { recursive: true })).sort()
}

it('writes the files asked for', async () => {
  const long = 'x'.repeat(1000)
  const names = await unpack(entry('a/b.js', long), entry('README.md', 'no'), entry('c.js', ''), entry('d', '', '5'))
  expect(names).toEqual(['a', join('a', 'b.js'), 'c.js'])
  expect(await readFile(join(folder, 'out', 'a', 'b.js'), 'utf8')).toBe(long)
})

it.each(['../escape.js', 'a/../../escape.js', '/escape.js', '..\\escape.js'])(
  'refuses to write %s outside its folder',
  async (name) => {
    await expect(unpack(entry(name, 'x'))).rejects.toThrow(BackendError)
    expect(await readdir(folder)).not.toContain('escape.js')
  },
)

it('writes no links', async () => {
  expect(await unpack(entry('a.js', 'x'), entry('link', '', '2'), entry('hard', '', '1'))).toEqual(['a.js'])
})

it('refuses what is cut off, and what is no archive', async () => {
  const path = join(folder, 'package.tgz')
  const whole = entry('a.js', 'x'.repeat(2000))
  for (const bytes of [gzipSync(whole.subarray(0, 1000)), gzipSync(whole).subarray(0, 20), Buffer.from('hello')]) {
    await writeFile(path, bytes)
    await expect(unpackTarball(path, folder, (name) => name)).rejects.toThrow(BackendError)
  }
})

it('refuses a bomb before it fills the memory', async () => {
  const path = join(folder, 'package.tgz')
  await writeFile(path, gzipSync(Buffer.alloc(80 << 20)))
  await expect(unpackTarball(path, folder, (name) => name)).rejects.toThrow(BackendError)
})
