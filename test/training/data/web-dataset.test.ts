import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { FileError, FormatError } from '../../../src/errors.js'
import { decodeImage } from '../../../src/image/decode/decode-image.js'
import type { BrokenSample } from '../../../src/training/data/broken-sample.js'
import { WebDataset } from '../../../src/training/data/web-dataset.js'
import { fixturePath } from '../../fixture.js'
import { tarArchive } from './tar-archive.js'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'siglip-shards-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const asTheyAre = (count: number) => Int32Array.from({ length: count }, (_, i) => i)
const png = readFileSync(fixturePath('images', 'chelsea.png'))

it.each(['pax', 'gnu', 'ustar'])('reads a shard that Python wrote as %s', async (format) => {
  const data = await WebDataset.open(fixturePath('shards', `${format}.tar`))
  const [first, second, third, ...more] = (await data.pool(0, asTheyAre)) ?? []
  expect(more).toEqual([])
  expect(first?.captions).toEqual(['ein Käse', 'zwei Käse'])
  expect(second).toMatchObject({ key: `${format}.tar:001`, captions: ['a caption'], label: '7', fields: { url: 'x' } })
  expect(third).toMatchObject({ key: `${format}.tar:002`, captions: ['3'], label: '3' })
  for (const [red, sample] of [first, second, third].entries()) {
    const { data: pixels } = await decodeImage((await sample?.open()) ?? '')
    expect([...pixels.subarray(0, 3)]).toEqual([red, 10, 20])
  }
  expect(await data.pool(1, asTheyAre)).toBeUndefined()
})

it('leaves out what is hidden or made by a tool, and groups names whatever their spelling', async () => {
  const files = {
    ...{ 'u\u0308.png': png, '\u00fc.txt': 'a cat', './b.jfif': png, './b.txt': 'a dog' },
    ...{ '._b.png': 'x', './._b.png': 'x', '__MACOSX/c.png': png, 'x/.thumbnails/d.png': png },
  }
  await writeFile(path.join(folder, 's.tar'), tarArchive(files))
  const data = await WebDataset.open(path.join(folder, 's.tar'))
  const samples = (await data.pool(0, asTheyAre)) ?? []
  expect(samples.map(({ key, captions }) => [key, captions])).toEqual([
    ['s.tar:\u00fc', ['a cat']],
    ['s.tar:./b', ['a dog']],
  ])
})

it('lists a shard of 200,000 broken samples, as it comes', async () => {
  const files = Object.fromEntries(Array.from({ length: 200_000 }, (_, i) => [`${i}.txt`, '']))
  await writeFile(path.join(folder, 's.tar'), tarArchive({ 'a.png': png, 'a.txt': 'a cat', ...files }))
  const told: BrokenSample[][] = []
  const options = {
    check: 'nothing',
    onBroken: 'skip',
    onLeftOut: (left: readonly BrokenSample[]) => told.push([...left]),
  } as const
  const data = await WebDataset.open(path.join(folder, 's.tar'), options)
  expect(await data.pool(0, asTheyAre)).toHaveLength(1)
  expect(await data.pool(0, asTheyAre)).toHaveLength(1)
  expect(told.map(({ length }) => length)).toEqual([200_000])
  expect(data.broken).toHaveLength(200_000)
})

it('mixes shards, in the order of the epoch', async () => {
  for (const i of [0, 1, 2]) {
    await writeFile(path.join(folder, `s-${i}.tar`), tarArchive({ 'a.png': png, 'a.txt': `caption ${i}` }))
  }
  const data = await WebDataset.open(path.join(folder, 's-{0..2}.tar'), { mix: 2 })
  const captions = async (place: number) =>
    (await data.pool(place, () => Int32Array.of(2, 0, 1)))?.map(({ captions: [caption] }) => caption)
  expect([await captions(0), await captions(1), await captions(2)]).toEqual([
    ['caption 2', 'caption 0'],
    ['caption 1'],
    undefined,
  ])
})

const broken = {
  'no-text.png': png,
  'no-image.txt': 'a text',
  'empty.png': png,
  'empty.txt': ' \n',
  'latin.png': png,
  'latin.txt': Buffer.from('K\xe4se', 'latin1'),
  'bad.png': png,
  'bad.json': '[1]',
  'cut.png': png.subarray(0, 1000),
  'cut.txt': 'cut off',
  'good.png': png,
  'good.txt': 'a cat',
}

it('names everything that is broken, or leaves it out', async () => {
  const file = path.join(folder, 'b.tar')
  await writeFile(file, tarArchive(broken))
  const data = await WebDataset.open(file, { onBroken: 'skip' })
  expect((await data.pool(0, asTheyAre))?.map(({ key }) => key)).toEqual(['b.tar:good'])
  expect(data.broken.map(({ where, what }) => `${where}: ${what}`)).toEqual([
    'b.tar:latin.txt: not UTF-8',
    'b.tar:no-text: no caption',
    'b.tar:no-image: missing image',
    'b.tar:empty: empty caption',
    'b.tar:latin: empty caption',
    'b.tar:bad: unreadable row',
    'b.tar:cut: unreadable image',
  ])
  await expect(WebDataset.open(file)).rejects.toThrow(/b\.tar:cut: unreadable image/)
})

it('names images of formats that are not decoded, with a caption and without one', async () => {
  const file = path.join(folder, 'o.tar')
  await writeFile(
    file,
    tarArchive({ 'a.heic': 'x', 'a.txt': 'a', 'b.CR2': 'x', 'c.jfif': png, 'c.txt': 'c', 'd.bin': 'x' }),
  )
  const data = await WebDataset.open(file, { onBroken: 'skip' })
  expect(data.broken.map(({ where, what, detail }) => [where, what, detail])).toEqual([
    ['o.tar:a', 'unreadable image', '.heic is not decoded'],
    ['o.tar:b', 'unreadable image', '.cr2 is not decoded'],
  ])
  expect((await data.pool(0, asTheyAre))?.map(({ key }) => key)).toEqual(['o.tar:c'])
})

it('without a look before, what is broken shows when its shard comes', async () => {
  const file = path.join(folder, 'b.tar')
  await writeFile(file, tarArchive(broken))
  const strict = await WebDataset.open(file, { check: 'nothing' })
  await expect(strict.pool(0, asTheyAre)).rejects.toThrow(FileError)
  const told: string[] = []
  const onLeftOut = (broken: readonly BrokenSample[]): void => void told.push(...broken.map(({ where }) => where))
  const lenient = await WebDataset.open(file, { check: 'nothing', onBroken: 'skip', onLeftOut })
  expect(await lenient.pool(0, asTheyAre)).toHaveLength(2) // also the one that can't be decoded
  await lenient.pool(0, asTheyAre)
  expect(lenient.broken).toHaveLength(6)
  expect(told).toEqual(lenient.broken.map(({ where }) => where))
})

it('a look can be watched, and stopped', async () => {
  const file = path.join(folder, 'b.tar')
  await writeFile(file, tarArchive({ 'a.png': png, 'a.txt': 'a' }))
  const seen: string[] = []
  await WebDataset.open([file, file], { onProgress: (done, total) => seen.push(`${done} of ${total}`) })
  expect(seen).toEqual(['1 of 2', '2 of 2'])
  const signal = AbortSignal.abort(new Error('enough'))
  await expect(WebDataset.open(file, { signal })).rejects.toThrow('enough')
})

it('reads shards behind URLs by ranges, with their queries', async () => {
  const shard = tarArchive({
    'a.png': png,
    'a.txt': 'far away',
    'z.bin': Buffer.alloc(3e6),
    'b.png': png,
    'b.txt': 'later',
  })
  const asked: string[] = []
  let sent = 0
  const fetch = (url: string, init: { readonly method?: string; readonly headers?: Record<string, string> }) => {
    asked.push(url)
    if (init.method === 'HEAD') {
      return Promise.resolve(new Response(null, { headers: { 'content-length': String(shard.length) } }))
    }
    const [, first = '', last = ''] = /^bytes=(\d+)-(\d+)$/.exec(init.headers?.['range'] ?? '') ?? []
    const part = shard.subarray(Number(first), Number(last) + 1)
    sent += part.length
    return Promise.resolve(new Response(Uint8Array.from(part), { status: 206 }))
  }
  const data = await WebDataset.open('https://example.org/d/s-{0..0}.tar?key=1', { fetch })
  expect(asked).toEqual([]) // nothing before it is needed
  const samples = await data.pool(0, asTheyAre)
  expect(samples?.map(({ captions: [caption] }) => caption)).toEqual(['far away', 'later'])
  expect(sent).toBeLessThan(shard.length - 1e6)
  expect(await samples?.[1]?.open()).toEqual(Uint8Array.from(png))
  expect(new Set(asked)).toEqual(new Set(['https://example.org/d/s-0.tar?key=1']))
})

it('refuses shards that are not there, and what is no archive', async () => {
  await expect(WebDataset.open(path.join(folder, 'gone.tar'))).rejects.toThrow(FileError)
  await expect(WebDataset.open(path.join(folder, 'no-folder', 'gone.tar'))).rejects.toThrow(FileError)
  await writeFile(path.join(folder, 'x.tar'), 'x'.repeat(4000))
  await expect(WebDataset.open(path.join(folder, 'x.tar'))).rejects.toThrow(FormatError)
})
