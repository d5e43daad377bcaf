import { readFileSync } from 'node:fs'
import { ReadWindow, tarMembers } from '../../src/io/tar.js'
import { FormatError } from '../../src/errors.js'
import { fixturePath } from '../fixture.js'

const sourceOf = (bytes: Uint8Array) => ({
  name: 'a.tar',
  size: bytes.length,
  read: (start: number, end: number) => Promise.resolve(Uint8Array.from(bytes.subarray(start, end))),
})

async function contentsOf(bytes: Uint8Array): Promise<readonly (readonly [string, string])[]> {
  const source = sourceOf(bytes)
  const window = new ReadWindow(source)
  const found: [string, string][] = []
  for await (const { name, start, size } of tarMembers(source, window)) {
    found.push([name, Buffer.from(await window.read(start, start + size)).toString('utf8')])
  }
  return found
}

it.each([
  ['pax', 6],
  ['gnu', 6],
  ['ustar', 4],
])('reads what Python writes as %s, with long names', async (format, folders) => {
  const found = await contentsOf(readFileSync(fixturePath('shards', `${format}.tar`)))
  const folder = 'a-folder-with-a-long-name/'.repeat(folders)
  expect(found.map(([name]) => name)).toEqual([
    `${folder}000.png`,
    `${folder}000.txt`,
    '001.jpg',
    '001.json',
    '002.cls',
    '002.seg.npy',
    '002.PNG',
  ])
  expect(found[1]?.[1]).toBe('ein Käse\nzwei Käse\n')
})

it('refuses what is cut off, what is no archive, and sizes out of this world', async () => {
  const whole = readFileSync(fixturePath('shards', 'ustar.tar'))
  await expect(contentsOf(whole.subarray(0, 1100))).rejects.toThrow(FormatError)
  await expect(contentsOf(Buffer.from('x'.repeat(2000)))).rejects.toThrow(FormatError)
  const huge = Buffer.from(whole)
  huge.fill(0xff, 512 + 124, 512 + 136)
  await expect(contentsOf(huge)).rejects.toThrow(FormatError)
})
