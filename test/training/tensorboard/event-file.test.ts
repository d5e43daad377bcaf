import { readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { FileError, InputError } from '../../../src/errors.js'
import { decodeImage } from '../../../src/image/decode/decode-image.js'
import { EventFile } from '../../../src/training/tensorboard/event-file.js'
import { fixturePath } from '../../fixture.js'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'siglip-events-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const now = (): number => 1700000000.5

it('writes the bytes that TensorFlow writes', () => {
  const events = new EventFile(path.join(folder, 'new', 'run'), { fromStep: 3, now })
  events.scalar('loss/train', 0.1, 3)
  events.scalar('loss/train', 0, 300)
  events.scalar('Verlust: schön', NaN, 2 ** 40)
  events.histogram('weights', Float32Array.of(-2, -1, 1, 1, NaN, -Infinity), 4)
  events.close()
  expect(path.basename(events.path)).toMatch(/^events\.out\.tfevents\.1700000000\./)
  expect(readFileSync(events.path)).toEqual(readFileSync(fixturePath('tensorboard', 'events.tfrecord')))
})

it.each([1, 2, 3, 4])('an image of %i samples a pixel is a PNG with these pixels', async (channels) => {
  const data = Uint8Array.from({ length: 6 * channels }, (_, i) => (i * 37 + 5) % 256)
  const events = new EventFile(folder, { now })
  events.image('image', { data, width: 3, height: 2, channels }, 1)
  events.close()
  const file = readFileSync(events.path)
  const png = file.subarray(file.indexOf('\x89PNG', 0, 'latin1'))
  for (const transparency of ['ignore', 'white'] as const) {
    const decoded = await decodeImage(png, { transparency })
    expect(decoded).toEqual(await decodeImage({ data, width: 3, height: 2, channels }, { transparency }))
  }
})

it('refuses an image whose bytes do not fill it', () => {
  const events = new EventFile(folder)
  expect(() => {
    events.image('image', { data: new Uint8Array(5), width: 2, height: 2 }, 1)
  }).toThrow(InputError)
  events.close()
})

it('writes nothing of values none of which is a number', () => {
  const events = new EventFile(folder)
  const before = readFileSync(events.path).length
  events.histogram('weights', [NaN, Infinity], 1)
  expect(readFileSync(events.path)).toHaveLength(before)
  events.close()
})

it('two files of a moment have two names; a folder that cannot be made is an error of ours', async () => {
  new EventFile(folder, { now }).close()
  new EventFile(folder, { now }).close()
  expect(readdirSync(folder)).toHaveLength(2)
  await writeFile(path.join(folder, 'file'), '')
  expect(() => new EventFile(path.join(folder, 'file'))).toThrow(FileError)
})
