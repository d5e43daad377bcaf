import { readFile } from 'node:fs/promises'
import path from 'node:path'
import * as tf from '@tensorflow/tfjs'
import { InputError, FileError } from '../../src/errors.js'
import { MemoryFolder } from '../../src/hub/memory-folder.js'
import { concatenated, embedImages, embedTexts } from '../../src/pipelines/embedder.js'
import { pipeline } from '../../src/pipelines/pipeline.js'
import { fillTemplate, type ZeroShotOptions } from '../../src/pipelines/zero-shot-image-classification.js'
import type { Progress } from '../../src/pipelines/run-batches.js'
import { onEachBackend } from '../backends.js'
import { reference as commandLine } from '../cli/reference.js'
import { fixturePath } from '../fixture.js'
import { all, expectScores, oneByOne, images, reference } from './reference.js'

const { labels } = reference
const [image = ''] = images
const task = 'zero-shot-image-classification'
const tiny = fixturePath('siglip-tiny')
const many = [...images, ...images, ...images, ...images]

onEachBackend(() => {
  it('gives the scores of transformers', async () => {
    using classify = await pipeline(task, tiny)
    const names = Object.keys(commandLine.classify)
    const found = await classify(
      names.map((name) => fixturePath('images', name)),
      commandLine.labels,
    )
    names.forEach((name, i) => {
      expectScores(found[i] ?? [], commandLine.classify[name])
    })
  })

  it('gives the scores of transformers for images of any proportions', async () => {
    using classify = await pipeline(task, fixturePath('siglip2-naflex-tiny'))
    const found = await classify(images, labels)
    reference.images.forEach((name, i) => {
      expectScores(found[i] ?? [], reference.zeroShotNaflex[name])
    })
  })
})

describe(task, () => {
  it('takes the template that the model brings, unless another is given', async () => {
    const names = ['config.json', 'model.safetensors', 'processor_config.json', 'spiece.model', 'tokenizer_config.json']
    const files = new Map<string, Uint8Array>()
    for (const name of names) files.set(name, await readFile(path.join(tiny, name)))
    const config = JSON.parse(await readFile(path.join(tiny, 'config.json'), 'utf8')) as object
    const own = { ...config, task_specific_params: { [task]: { hypothesis_template: 'see {}' } } }
    files.set('config.json', new TextEncoder().encode(JSON.stringify(own)))
    using brought = await pipeline(task, new MemoryFolder(files))
    using plain = await pipeline(task, tiny)
    expect(await brought(image, labels)).toEqual(await plain(image, labels, { hypothesisTemplate: 'see {}' }))
    expect(await brought(image, labels, { hypothesisTemplate: 'This is a photo of {}.' })).toEqual(
      await plain(image, labels),
    )
  })

  it('averages the embeddings of several templates, as CLIP does', async () => {
    using classify = await pipeline(task, tiny)
    const { model, processor } = classify
    const hypothesisTemplate = ['a photo of a {}.', 'a drawing of a {}.', '{}']
    const few = labels.slice(0, 2)
    const embedded = async (batches: AsyncIterable<tf.Tensor2D>) => (await concatenated(batches)).array()
    const texts = fillTemplate(hypothesisTemplate, few)
    expect(texts).toHaveLength(6)
    const textEmbeds = await embedded(embedTexts(model, processor, texts, { normalize: true }))
    const [embedding = []] = await embedded(embedImages(model, processor, [image], { normalize: true }))
    const logitScale = Math.exp(model.namedParameters().get('logit_scale')!.dataSync()[0]!)
    const logitBias = model.namedParameters().get('logit_bias')!.dataSync()[0]!
    const wanted = few.map((_, label) => {
      const own = textEmbeds.slice(3 * label, 3 * label + 3)
      const mean = embedding.map((_value, i) => own.reduce((sum, row) => sum + row[i]! / 3, 0))
      const length = Math.hypot(...mean)
      expect(length).toBeLessThan(0.999) // else there is nothing to normalize
      return mean.reduce((sum, value, i) => sum + (value / length) * embedding[i]!, 0) * logitScale + logitBias
    })
    const found = await classify(image, few, { hypothesisTemplate })
    for (const [i, label] of few.entries()) {
      expect(found.find((score) => score.label === label)!.logit).toBeCloseTo(wanted[i]!, 4)
    }
    expect(await classify(image, labels, { hypothesisTemplate: ['see {}'] })).toEqual(
      await classify(image, labels, { hypothesisTemplate: 'see {}' }),
    )
  })

  it('says once how many of its texts were cut', async () => {
    using classify = await pipeline(task, tiny)
    const onTruncated = jest.fn()
    const long = ['red', 'green'].map((word) => `${'word '.repeat(30)}${word}`)
    await classify([image, image], [...long, 'cat'], { onTruncated })
    expect(onTruncated.mock.calls).toEqual([[{ count: 2, maxLength: 16 }]])
    const warn = jest.spyOn(console, 'warn').mockImplementation()
    await classify(image, ['cat', 'dog'])
    await classify(image, long)
    await classify(image, long)
    expect(warn.mock.calls).toEqual([[expect.stringMatching(/2 texts are longer than the 16 tokens/)]])
    warn.mockRestore()
  })

  it('gives the same whatever the batches, and for one image what it gives for several', async () => {
    using classify = await pipeline(task, tiny)
    const lists = await classify(many, labels)
    expect(lists).toHaveLength(many.length)
    for (const batchSize of [1, 5, 100]) {
      const found = await all(classify(oneByOne(many), labels, { batchSize }))
      found.forEach((scores, i) => {
        expectScores(scores, lists[i])
      })
    }
    expectScores(await classify(image, labels, { topK: 2 }), lists[0]?.slice(0, 2))
  })

  it('leaves no tensor, whether it ends, fails half-way, is left, or is aborted', async () => {
    using classify = await pipeline(task, tiny)
    await classify(image, labels)
    const before = tf.memory().numTensors
    const broken = [...images, 'no/such/file.png', ...images]
    const controller = new AbortController()
    const ended = jest.fn()

    await classify(many, labels, { batchSize: 2 })
    await expect(classify(broken, labels, { batchSize: 2 })).rejects.toThrow(FileError)
    for await (const scores of classify(oneByOne(many, ended), labels, { batchSize: 2 })) if (scores.length > 0) break
    expect(ended).toHaveBeenCalledTimes(1)
    const options = { batchSize: 2, signal: controller.signal }
    const got: unknown[] = []
    const run = async () => {
      for await (const scores of classify(oneByOne(many, ended), labels, options)) {
        got.push(scores)
        controller.abort(new Error('enough'))
      }
    }
    await expect(run()).rejects.toThrow('enough')
    expect(got).toHaveLength(2) // the batch that was computed
    expect(ended).toHaveBeenCalledTimes(2)
    await expect(classify(image, labels, { signal: AbortSignal.abort(new Error('before')) })).rejects.toThrow('before')
    expect(tf.memory().numTensors).toBe(before)
  })

  it('lets timers abort it, and says how far it is', async () => {
    using classify = await pipeline(task, tiny)
    const told: Progress[] = []
    await classify(many.slice(0, 5), labels, { batchSize: 2, onProgress: (progress) => told.push(progress) })
    expect(told.map(({ done, total }) => [done, total])).toEqual([
      [2, 5],
      [4, 5],
      [5, 5],
    ])
    expect(told.at(-1)?.secondsLeft).toBe(0)
    async function* endless() {
      for (;;) yield Promise.resolve(image)
    }
    const withoutTotal: Progress[] = []
    const run = all(
      classify(endless(), labels, {
        signal: AbortSignal.timeout(300),
        batchSize: 1,
        onProgress: (progress) => withoutTotal.push(progress),
      }),
    )
    await expect(run).rejects.toThrow(/timeout/)
    expect(Object.keys(withoutTotal[0] ?? {}).sort()).toEqual(['done', 'rate'])
  })

  it('frees the model, once', async () => {
    const before = tf.memory().numTensors
    const classify = await pipeline(task, tiny)
    classify.dispose()
    expect(tf.memory().numTensors).toBe(before)
  })

  it.each<[string, readonly string[], ZeroShotOptions, RegExp]>([
    ['no place for the label', labels, { hypothesisTemplate: 'a photo' }, /no place for the label.*\{\}/],
    ['no labels', [], {}, /Missing labels/],
    ['an empty label', ['a cat', ' '], {}, /empty label.*label 2/],
    ['topK', labels, { topK: 0 }, /Invalid topK/],
    ['batchSize', labels, { batchSize: 0.5 }, /Invalid batchSize/],
  ])('refuses %s', async (_, candidates, options, message) => {
    using classify = await pipeline(task, tiny)
    const before = tf.memory().numTensors
    const run = classify(image, candidates, options)
    await expect(run).rejects.toThrow(InputError)
    await expect(run).rejects.toThrow(message)
    expect(tf.memory().numTensors).toBe(before)
  })

  it('refuses one text for a list of labels, and what is no template', () => {
    expect(() => void Reflect.apply(fillTemplate, undefined, ['{}', 'a cat'])).toThrow(
      /Missing labels.*an array.*found string/,
    )
    expect(() => void Reflect.apply(fillTemplate, undefined, [5, ['a cat']])).toThrow(/no place for the label.*found 5/)
  })

  it('takes {0} for the place, too, as Python’s format does', () => {
    expect(fillTemplate('a {0} of {0}', ['cat', 'dog'])).toEqual(['a cat of cat', 'a dog of dog'])
  })

  it('takes labels literally', () => {
    expect(fillTemplate('{}, or {}!', ['$& $1', '{}'])).toEqual(['$& $1, or $& $1!', '{}, or {}!'])
  })
})
