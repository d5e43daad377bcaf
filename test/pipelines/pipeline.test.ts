import path from 'node:path'
import { InputError } from '../../src/errors.js'
import { pipeline, type Task } from '../../src/pipelines/pipeline.js'
import { fixturePath } from '../fixture.js'
import { images } from './reference.js'

const [image = ''] = images
const embedded = path.join(__dirname, '..', '..', 'models', 'emoji')

describe('pipeline', () => {
  it('runs the embedded model where none is named, and says so in one line', async () => {
    const warned = jest.spyOn(console, 'warn').mockImplementation(() => undefined)
    try {
      using classify = await pipeline('zero-shot-image-classification')
      expect(await classify(image, ['a cat'])).toHaveLength(1)
      using named = await pipeline('zero-shot-image-classification', embedded)
      expect(named.model.config.toJSON()).toEqual(classify.model.config.toJSON())
      expect(warned.mock.calls).toEqual([[expect.stringMatching(/^siglip-tfjs: No model given; .*for emoji[^\n]*$/)]])
    } finally {
      warned.mockRestore()
    }
  })

  it('names the tasks if there is no such one', async () => {
    const run = pipeline('image-clasification' as Task, fixturePath('siglip-tiny'))
    await expect(run).rejects.toThrow(InputError)
    await expect(run).rejects.toThrow(/zero-shot-image-classification, image-classification.*image-clasification/)
  })
})
