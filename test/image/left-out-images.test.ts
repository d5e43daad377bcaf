import { isOtherImage, leftOutImages } from '../../src/image/left-out-images.js'

it('counts images that are not decoded, by their endings, and says why', () => {
  const names = [
    'b.heic',
    'B.HEIC',
    'c.bmp',
    'd.jxl',
    'e.cr2',
    'f.JP2',
    'notes.txt',
    'g.jpg',
    'metadata.csv',
    '.DS_Store',
  ]
  expect(leftOutImages('photos', names)).toBe(
    'photos: left out 6 images (2 .heic, 1 .bmp, 1 .cr2, 1 .jp2, 1 .jxl) of formats that are not decoded. ' +
      'Convert them to JPEG, PNG or WebP.',
  )
  expect(leftOutImages('photos', ['a.nef'])).toMatch(/1 image \(1 \.nef\)/)
  expect(leftOutImages('photos', ['notes.txt', 'a.jpg', 'heic', 'a.heic.txt'])).toBeUndefined()
})

it('takes no format that is decoded for one that is not', () => {
  for (const name of ['a.jpg', 'a.jpeg', 'a.jpe', 'a.jfif', 'a.png', 'a.webp', 'a.gif', 'a.tif', 'a.TIFF', 'a.avif']) {
    expect([name, isOtherImage(name)]).toEqual([name, false])
  }
  for (const name of ['a.heif', 'a.dng', 'a.arw', 'a.raf', 'a.rw2', 'a.cr3', 'a.svg', 'a.psd']) {
    expect([name, isOtherImage(name)]).toEqual([name, true])
  }
})
