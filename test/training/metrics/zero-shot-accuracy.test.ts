import { InputError } from '../../../src/errors.js'
import { promptSets } from '../../../src/training/metrics/prompt-sets.js'
import { classPrompts, zeroShotAccuracy } from '../../../src/training/metrics/zero-shot-accuracy.js'
import { cases, matrix } from './reference.js'

const { images, prompts, labels, top } = cases.zero_shot

it('is what numpy and scikit-learn say, with three prompts a class', async () => {
  const input = { imageEmbeds: matrix(images), promptEmbeds: matrix(prompts), templates: 3, labels, ks: [1, 2, 5] }
  const found = await zeroShotAccuracy(input)
  for (const k of input.ks) expect(found[k]).toBeCloseTo(top[k] ?? NaN, 12)
})

it('refuses prompts that are not so many for each class', async () => {
  const input = { imageEmbeds: matrix(images), promptEmbeds: matrix(prompts), templates: 4, labels }
  await expect(zeroShotAccuracy(input)).rejects.toThrow(InputError)
})

it('prompts come class by class', () => {
  expect(classPrompts(['cat', '$&'], ['a {}.', '{}, the {}'])).toEqual([
    'a cat.',
    'cat, the cat',
    'a $&.',
    '$&, the $&',
  ])
  expect(() => classPrompts(['cat'], ['a photo'])).toThrow(InputError)
})

it('the prompt sets are CLIP’s', () => {
  expect(new Set(promptSets.clip80).size).toBe(80)
  const all: readonly string[] = promptSets.clip80
  for (const template of promptSets.clip7) expect(all).toContain(template)
  expect(classPrompts(['cat'], promptSets.name)).toEqual(['cat'])
})
