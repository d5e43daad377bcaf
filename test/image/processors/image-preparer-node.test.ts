import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { FileError, ImageError, InputError, type SiglipError } from '../../../src/errors.js'
import type { ImageInput } from '../../../src/image/decode/image-input.js'
import { preparerHere } from '../../../src/image/processors/image-preparer.js'
import { imagePreparer } from '../../../src/image/processors/image-preparer-node.js'
import { Siglip2ImageProcessor } from '../../../src/image/processors/siglip2-image-processor.js'
import { SiglipImageProcessor } from '../../../src/image/processors/siglip-image-processor.js'
import { fixturePath } from '../../fixture.js'

const built = path.join(__dirname, '..', '..', '..', 'dist', 'src', 'image', 'processors', 'image-worker.js')
const image = (name: string): string => fixturePath('images', name)

function preparer(processor: SiglipImageProcessor | Siglip2ImageProcessor, entry = built) {
  if (entry === built && !existsSync(built)) throw new Error('There is no dist/: run `npm run build` first.')
  return imagePreparer(processor, pathToFileURL(entry))
}

/** More than this thread does itself before it starts others. */
const MANY = 12

async function prepareMany(own: ReturnType<typeof preparer>, input: (i: number) => ImageInput) {
  return Promise.all(Array.from({ length: MANY }, (_, i) => own.prepare(input(i))))
}

describe.each([
  ['in threads', built, 8],
  ['in this thread, where no other can start', path.join(__dirname, 'no-such-worker.js'), MANY],
])('imagePreparer, %s', (_, entry, preparedHere) => {
  it.each([
    ['SiglipImageProcessor', new SiglipImageProcessor({ size: { height: 20, width: 24 }, doConvertRgb: true })],
    ['its torchvision arithmetic', new SiglipImageProcessor({ size: { height: 9, width: 7 }, backend: 'torchvision' })],
    ['Siglip2ImageProcessor', new Siglip2ImageProcessor({ patchSize: 8, maxNumPatches: 20 })],
  ])('gives what the image processor gives: %s', async (_name, processor) => {
    const own = preparer(processor, entry)
    const bytes = readFileSync(image('rocket.jpg'))
    const inputs: ImageInput[] = [
      image('chelsea.png'),
      pathToFileURL(image('rgba.png')),
      Buffer.concat([bytes, bytes]).subarray(0, bytes.length),
      new Blob([bytes]),
      `data:image/jpeg;base64,${bytes.toString('base64')}`,
      { data: new Uint8Array(60).map((_value, i) => i * 4), width: 4, height: 5 },
    ]
    const calls = jest.spyOn(processor, 'call')
    try {
      const found = await prepareMany(own, (i) => inputs[i % inputs.length] ?? '')
      expect(calls).toHaveBeenCalledTimes(preparedHere)
      for (const [i, arrays] of found.entries()) {
        const expected = { ...(await processor.call(inputs[i % inputs.length] ?? '')) }
        expect(Object.keys(arrays)).toEqual(Object.keys(expected))
        for (const [name, { data, shape }] of Object.entries(expected)) {
          expect(arrays[name]?.shape).toEqual(shape)
          expect(Buffer.from(arrays[name]!.data.buffer).equals(Buffer.from(data.buffer))).toBe(true)
        }
      }
      expect(bytes.length).toBeGreaterThan(0) // the caller's own bytes are still the caller's
    } finally {
      calls.mockRestore()
      own.dispose()
    }
  })

  it('throws the errors of the image processor', async () => {
    const own = preparer(new SiglipImageProcessor(), entry)
    const notAImage = fixturePath('README.md')
    const cases = [
      ['no/such/file.png', FileError],
      [notAImage, ImageError],
      [Uint8Array.of(1, 2, 3), ImageError],
      [{ data: new Uint8Array(5), width: 4, height: 5 }, InputError],
      [17 as unknown as string, InputError],
    ] as const
    try {
      for (const [input, ErrorClass] of cases) {
        const expected = await new SiglipImageProcessor().call(input).catch((error: unknown) => error as SiglipError)
        const found = await Promise.allSettled(Array.from({ length: MANY }, () => own.prepare(input)))
        for (const result of found) {
          const reason = (result as PromiseRejectedResult).reason as SiglipError
          expect(reason).toBeInstanceOf(ErrorClass)
          const { message, code, where, hint } = expected as SiglipError
          expect(reason).toMatchObject({ message, code, where, hint, name: ErrorClass.name })
        }
      }
    } finally {
      own.dispose()
    }
  })

  it('changes an image by its seed, in whichever thread', async () => {
    const processor = new SiglipImageProcessor({ size: { height: 20, width: 24 } })
    const own = preparer(processor, entry)
    const augmentation = { crop: {}, flip: 0.5, affine: { degrees: 9 }, colour: { contrast: 0.5 }, background: 0.5 }
    const augmented = (seed: number) => ({ augmentation, seed })
    try {
      const seeds = Array.from({ length: MANY }, (_value, i) => i)
      const found = await Promise.all(seeds.map((seed) => own.prepare(image('rgba.png'), augmented(seed))))
      const here = preparerHere(processor)
      for (const seed of seeds) expect(found[seed]).toEqual(await here.prepare(image('rgba.png'), augmented(seed)))
      expect(new Set(found.map(({ pixelValues }) => String(pixelValues?.data))).size).toBe(MANY)
      const bad = { augmentation: { flip: 3 }, seed: 0 }
      await expect(own.prepare(image('rgba.png'), bad)).rejects.toThrow(InputError)
    } finally {
      own.dispose()
    }
  })
})

describe('imagePreparer', () => {
  it('leaves what a disposed thread had not done to this one', async () => {
    const own = preparer(new SiglipImageProcessor({ size: { height: 8, width: 8 } }))
    const preparing = prepareMany(own, () => image('coffee.png'))
    await new Promise((resolve) => setTimeout(resolve, 5))
    own.dispose()
    expect((await preparing).map(({ pixelValues }) => pixelValues?.shape)).toEqual(
      Array.from({ length: MANY }, () => [1, 3, 8, 8]),
    )
  })
})
