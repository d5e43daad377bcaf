import { copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { FileError } from '../../../src/errors.js'
import { BrokenDataError, formatBroken } from '../../../src/training/data/broken-sample.js'
import { ImageFolder } from '../../../src/training/data/image-folder.js'
import { fixturePath } from '../../fixture.js'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'siglip-folder-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

async function image(name: string, as: string): Promise<void> {
  await mkdir(path.dirname(path.join(folder, as)), { recursive: true })
  await copyFile(fixturePath('images', name), path.join(folder, as))
}

const write = (name: string, content: string | Buffer) => writeFile(path.join(folder, name), content)
const jsonl = (...rows: readonly object[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join('')
const said = ({ samples }: ImageFolder) => samples.map(({ key, captions, label }) => [key, captions, label])

it('reads metadata.jsonl, with several captions of an image', async () => {
  await image('chelsea.png', 'a/cat.png')
  await image('coffee.png', 'cup.png')
  const rows = [
    { file_name: 'a/cat.png', text: 'a cat', tags: ['pet'] },
    { file_name: 'cup.png', text: ['a cup', ' coffee '], label: 7 },
    { file_name: './a/cat.png', text: 'it looks at us' },
  ]
  await write('metadata.jsonl', `\ufeff${jsonl(...rows)}\n`)
  const data = await ImageFolder.open(folder)
  expect(said(data)).toEqual([
    ['a/cat.png', ['a cat', 'it looks at us'], undefined],
    ['cup.png', ['a cup', 'coffee'], '7'],
  ])
  expect(data.samples[0]?.fields).toMatchObject({ tags: ['pet'] })
  expect(await data.samples[0]?.open()).toBe(path.join(folder, 'a', 'cat.png'))
})

it('reads metadata.csv in a folder inside, with quoted fields over lines', async () => {
  await image('chelsea.png', 'train/cat.png')
  await write('train/metadata.csv', 'file_name,caption\r\ncat.png,"a ""cat"",\nindeed"\r\n')
  expect(said(await ImageFolder.open(folder))).toEqual([['train/cat.png', ['a "cat",\nindeed'], undefined]])
})

it('reads a CSV file as pandas writes it with its index, and a literal inch mark', async () => {
  await image('chelsea.png', 'a.png')
  await image('coffee.png', 'b.png')
  await image('rocket.jpg', 'c.jpg')
  await write('metadata.csv', ',file_name,text\n0,a.png,a cat\n1,b.png,a 6" pipe\n,c.jpg,a rocket\n')
  expect(said(await ImageFolder.open(folder))).toEqual([
    ['a.png', ['a cat'], undefined],
    ['b.png', ['a 6" pipe'], undefined],
    ['c.jpg', ['a rocket'], undefined],
  ])
})

it('names a row of a CSV file that is no UTF-8, and refuses two columns of one name', async () => {
  await image('chelsea.png', 'a.png')
  await write('metadata.csv', Buffer.from('file_name,text\na.png,a cat\na.png,"K\xe4tz\nchen"\n', 'latin1'))
  const { samples, broken } = await ImageFolder.open(folder, { onBroken: 'skip' })
  expect(samples.map(({ captions }) => captions)).toEqual([['a cat']])
  expect(broken).toMatchObject([{ where: 'metadata.csv:3', what: 'not UTF-8' }])
  await write('metadata.csv', 'file_name,text,text\na.png,a cat,a dog\n')
  await expect(ImageFolder.open(folder)).rejects.toThrow(
    /metadata\.csv:1: unreadable row \(two columns are named text\)/,
  )
})

it('refuses captions in a form that it does not read, and takes no notice of case in their names', async () => {
  await image('chelsea.png', 'cat/a.png')
  await write('metadata.parquet', 'PAR1')
  await expect(ImageFolder.open(folder)).rejects.toThrow(/form that is not read: .*found metadata\.parquet/)
  await write('METADATA.CSV', 'file_name,text\ncat/a.png,a cat\n')
  expect(said(await ImageFolder.open(folder))).toEqual([['cat/a.png', ['a cat'], undefined]])
})

it('reads a folder of folders as classes', async () => {
  await image('chelsea.png', 'tabby_cat/1.png')
  await image('coffee.png', 'cup/x/2.png')
  const data = await ImageFolder.open(folder)
  expect(said(data)).toEqual([
    ['cup/x/2.png', ['cup'], 'cup'],
    ['tabby_cat/1.png', ['tabby cat'], 'tabby_cat'],
  ])
  expect(data.classes).toEqual(['cup', 'tabby_cat'])
})

it.each([
  ['a notebook', '.ipynb_checkpoints/1-checkpoint.png'],
  ['macOS', '__MACOSX/cat/2.png'],
  ['a file manager', '.thumbnails/2.png'],
  ['a disk station', 'cat/@eaDir/2.png'],
  ['macOS, for a file', 'cat/._2.png'],
])('what is left by %s is no class and no image', async (_, name) => {
  await image('chelsea.png', 'cat/1.png')
  await image('rocket.jpg', 'dog/1.jpg')
  await image('coffee.png', name)
  const data = await ImageFolder.open(folder)
  expect(data.classes).toEqual(['cat', 'dog'])
  expect(data.samples.map(({ key }) => key)).toEqual(['cat/1.png', 'dog/1.jpg'])
})

it('of one split, the folders in it are the classes', async () => {
  await image('chelsea.png', 'train/cat/1.png')
  await image('coffee.png', 'train/cup/x/2.png')
  expect((await ImageFolder.open(folder)).classes).toEqual(['cat', 'cup'])
})

it.each([
  ['of classes', ['train/cat/1.png', 'test/cat/2.png']],
  ['of classes, beside other folders', ['train/cat/1.png', 'val_2/cat/2.png', 'more/3.png']],
  ['without classes', ['Train/1.png', 'Validation/2.png']],
])('refuses several splits %s, and names one', async (_, names) => {
  for (const name of names) await image('chelsea.png', name)
  await expect(ImageFolder.open(folder)).rejects.toThrow(
    /several splits.*found .*[Tt]rain.*Name one of them: .*\/[Tt]rain\./,
  )
})

it('refuses the captions of several splits', async () => {
  await image('chelsea.png', 'train/a.png')
  await image('coffee.png', 'test/b.png')
  await write('train/metadata.csv', 'file_name,text\na.png,a cat\n')
  await write('test/metadata.jsonl', jsonl({ file_name: 'b.png', text: 'a cup' }))
  await expect(ImageFolder.open(folder)).rejects.toThrow(/several splits.*found test, train/)
  expect((await ImageFolder.open(path.join(folder, 'train'))).samples).toHaveLength(1)
})

it('a class may have the name of a split, among others', async () => {
  await image('chelsea.png', 'train/1.png')
  await image('coffee.png', 'bus/2.png')
  expect((await ImageFolder.open(folder)).classes).toEqual(['bus', 'train'])
})

it('follows symbolic links, but not around', async () => {
  await image('chelsea.png', 'cat/1.png')
  await image('coffee.png', 'elsewhere/2.png')
  await mkdir(path.join(folder, 'data'))
  await symlink(path.join(folder, 'cat'), path.join(folder, 'data', 'cat'))
  await symlink(path.join(folder, 'elsewhere'), path.join(folder, 'data', 'cup'))
  await symlink(path.join(folder, 'data'), path.join(folder, 'elsewhere', 'again'))
  const data = await ImageFolder.open(path.join(folder, 'data'))
  expect(data.samples.map(({ key }) => key)).toEqual(['cat/1.png', 'cup/2.png'])
})

describe('a name with characters that have two spellings', () => {
  const [one, two] = ['\u00fc', 'u\u0308']

  it.each([
    ['of a file, spelled as two in the row', `${one}.png`, `${two}.png`],
    ['of a file, spelled as one in the row', `${two}.png`, `${one}.png`],
    ['of a folder', `${two}/a.png`, `${one}/a.png`],
  ])('%s', async (_, onDisk, inRow) => {
    await image('chelsea.png', onDisk)
    await write('metadata.jsonl', jsonl({ file_name: inRow, text: 'a cat' }))
    const data = await ImageFolder.open(folder)
    expect(said(data)).toEqual([[onDisk, ['a cat'], undefined]])
    expect(await data.samples[0]?.open()).toBe(path.join(folder, onDisk))
  })

  it('means the file that it names exactly, where there are both', async () => {
    await image('chelsea.png', `${one}.png`)
    await image('coffee.png', `${two}.png`)
    await write('metadata.csv', `file_name,text\n${two}.png,two\n${one}.png,one\n`)
    expect(said(await ImageFolder.open(folder))).toEqual([
      [`${two}.png`, ['two'], undefined],
      [`${one}.png`, ['one'], undefined],
    ])
  })

  it('is one class', async () => {
    await image('chelsea.png', `${one}/1.png`)
    await image('coffee.png', `${two}/2.png`)
    expect((await ImageFolder.open(folder)).classes).toEqual([one])
  })
})

it('lists 200,000 broken rows', async () => {
  await image('chelsea.png', 'a.png')
  const rows = Array.from({ length: 200_000 }, (_, i) => ({ file_name: `${i}.png`, text: '' }))
  const good = jsonl({ file_name: 'a.png', text: 'a cat' })
  await write('metadata.jsonl', good + rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
  const { broken } = await ImageFolder.open(folder, { onBroken: 'skip' })
  expect(broken).toHaveLength(200_000)
})

it('names everything that is broken in one error, or leaves it out', async () => {
  await image('chelsea.png', 'good.png')
  await image('coffee.png', 'cup.png')
  await image('coffee.png', 'twin.png')
  await image('rocket.jpg', 'unnamed.jpg')
  await write('text.png', 'no image')
  const rows = jsonl(
    { file_name: 'good.png', text: 'a cat' },
    { file_name: 'gone.png', text: 'nothing' },
    { file_name: 'text.png', text: 'a text' },
    { file_name: 'cup.png', text: 'a cup' },
    { file_name: 'twin.png', text: 'a cup' },
    { file_name: 'good.png', text: 'a cat' },
    { file_name: 'good.png', text: '  ' },
    { file_name: '../good.png', text: 'a cat' },
    { text: 'of what?' },
  )
  const latin1 = Buffer.from('{"file_name":"good.png","text":"K\xe4tzchen"}\n', 'latin1')
  await write('metadata.jsonl', Buffer.concat([Buffer.from(rows), latin1, Buffer.from('{"file_name":\n')]))
  const { samples, broken } = await ImageFolder.open(folder, { onBroken: 'skip' })
  expect(samples.map(({ key }) => key)).toEqual(['good.png', 'cup.png'])
  expect(broken.map(({ where, what }) => `${where}: ${what}`).sort()).toEqual([
    'metadata.jsonl:10: not UTF-8',
    'metadata.jsonl:11: unreadable row',
    'metadata.jsonl:2: gone.png: missing image',
    'metadata.jsonl:3: text.png: unreadable image',
    'metadata.jsonl:5: duplicate',
    'metadata.jsonl:6: duplicate',
    'metadata.jsonl:7: empty caption',
    'metadata.jsonl:8: outside the folder',
    'metadata.jsonl:9: unreadable row',
    'unnamed.jpg: no caption',
  ])
  const error = await ImageFolder.open(folder).catch((thrown: unknown) => thrown)
  if (!(error instanceof FileError)) throw new Error('not a FileError')
  for (const { where } of broken) expect(error.message).toContain(where)
  expect(formatBroken(broken).split('\n')).toHaveLength(11)
})

it('the error has more broken samples than its message names', async () => {
  await write('metadata.jsonl', jsonl(...Array.from({ length: 25 }, (_, i) => ({ file_name: `${i}.png`, text: 'x' }))))
  const error = await ImageFolder.open(folder).catch((thrown: unknown) => thrown)
  if (!(error instanceof BrokenDataError)) throw new Error('not a BrokenDataError')
  expect(error.message).toMatch(/25 × missing image.* and 5 more/)
  expect(error.broken).toHaveLength(25)
})

it('looking at images can be stopped', async () => {
  await image('chelsea.png', 'cat/1.png')
  const signal = AbortSignal.abort(new Error('enough'))
  await expect(ImageFolder.open(folder, { signal })).rejects.toThrow('enough')
})

it.each([
  ['with its mark', Buffer.from('\ufefffile_name,text\na.png,x\n', 'utf16le')],
  ['without', Buffer.from('file_name,text\na.png,x\n', 'utf16le')],
])('says that a caption file is UTF-16, %s', async (_, bytes) => {
  await image('chelsea.png', 'a.png')
  await write('metadata.csv', bytes)
  await expect(ImageFolder.open(folder)).rejects.toThrow(/1 × not UTF-8: metadata\.csv/)
  await expect(ImageFolder.open(folder, { onBroken: 'skip' })).rejects.toThrow(FileError) // nothing is left
})

it('a row of a CSV file with too few fields, and a quotation without an end, are broken', async () => {
  await image('chelsea.png', 'a.png')
  await write('metadata.csv', 'file_name,text\na.png,a cat\nb.png\nc.png,"open\n')
  const { samples, broken } = await ImageFolder.open(folder, { onBroken: 'skip' })
  expect(samples).toHaveLength(1)
  expect(broken.map(({ where, what }) => [where, what])).toEqual([
    ['metadata.csv:4', 'unreadable row'],
    ['metadata.csv:3', 'unreadable row'],
  ])
})

it('refuses a folder that is not there, and one without images', async () => {
  await expect(ImageFolder.open(path.join(folder, 'gone'))).rejects.toThrow(FileError)
  await expect(ImageFolder.open(folder)).rejects.toThrow(FileError)
})
