import fs, { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { findImages } from '../../src/cli/find-images.js'
import { FileError } from '../../src/errors.js'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'siglip-find-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

async function files(...names: readonly string[]): Promise<void> {
  for (const name of names) {
    await mkdir(path.dirname(path.join(folder, name)), { recursive: true })
    await writeFile(path.join(folder, name), '')
  }
}

const found = async (arg: string): Promise<readonly string[]> => {
  const all = await findImages([path.join(folder, arg)])
  return all.map((name) => path.relative(folder, name))
}

it('leaves out what macOS and others leave beside images', async () => {
  await files('a.png', '._a.png', '.hidden.jpg', 'x/b.png', 'x/@eaDir/b.png', '__MACOSX/c.png', '.thumbnails/d.png')
  expect(await found('.')).toEqual(['a.png'])
  expect(await found('*.png')).toEqual(['a.png'])
  expect(await found('**/*.png')).toEqual(['a.png', 'x/b.png'])
})

it('takes what is named', async () => {
  await files('._a.png', 'x/@eaDir/b.png', '.thumbnails/d.png', '__MACOSX/e/f.png')
  expect(await found('._a.png')).toEqual(['._a.png'])
  expect(await found('.thumbnails/*.png')).toEqual(['.thumbnails/d.png'])
  expect(await found('.th*/*.png')).toEqual(['.thumbnails/d.png'])
  expect(await found('*/@eaDir/*.png')).toEqual(['x/@eaDir/b.png'])
  expect(await found('__MACOSX/**')).toEqual(['__MACOSX/e/f.png'])
})

it('takes no notice of upper and lower case in a pattern', async () => {
  await files('a.JPG', 'x/b.jpg', 'x/C.Jpg', 'y/d.jpeg')
  await mkdir(path.join(folder, 'folder.jpg'))
  expect(await found('**/*.jpg')).toEqual(['a.JPG', 'x/C.Jpg', 'x/b.jpg'])
  expect(await found('X*/*.JPG')).toEqual(['x/C.Jpg', 'x/b.jpg'])
})

it('takes the folders that a pattern begins with by their names, whatever is in them', async () => {
  await files('photos [2024]/a.jpg', 'photos 2/b.jpg', '(x)/{y}/c.jpg')
  expect(await found('photos [2024]/*.jpg')).toEqual(['photos [2024]/a.jpg'])
  expect(await found('(x)/{y}/*.jpg')).toEqual(['(x)/{y}/c.jpg'])
  await expect(found('photos [3]/*.jpg')).rejects.toThrow(FileError)
})

it('lists 200,000 images of a folder, and of as many arguments', async () => {
  const names = Array.from({ length: 200_000 }, (_, i) => `${i}.jpg`)
  const readdir = jest.spyOn(fs, 'readdir')
  readdir.mockResolvedValueOnce(names as never)
  expect(await findImages([folder])).toHaveLength(200_000)
  readdir.mockRestore()
  const urls = names.map((name) => `https://example.org/${name}`)
  expect(await findImages(urls)).toEqual(urls)
})
