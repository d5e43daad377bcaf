import { SiglipForImageClassification } from '../../../src/models/siglip/image-classification.js'
import { SiglipModel } from '../../../src/models/siglip/modeling.js'
import { groupSettings, headOnly, lockedImage, noDecay } from '../../../src/training/optimizers/parameter-group.js'
import { tiny } from '../../tiny-models.js'

const defaults = { weightDecay: 0.1 }

it('takes each setting from the first group that has it', () => {
  const groups = [
    { pattern: /bias$/g, weightDecay: 0 },
    { pattern: /^logit_/, learningRate: 5, weightDecay: 0.3 },
    { pattern: /^logit_bias/, learningRate: 7, frozen: true },
  ]
  for (let again = 0; again < 2; again++)
    expect(groupSettings('logit_bias', groups, defaults)).toEqual({ learningRate: 5, weightDecay: 0, frozen: true })
  expect(groupSettings('weight', groups, defaults)).toEqual({ learningRate: 1, weightDecay: 0.1, frozen: false })
})

it('spares exactly what is no matrix from decay', () => {
  const model = new SiglipModel(tiny)
  for (const [name, { shape }] of model.namedParameters()) {
    const isMatrix = shape.filter((n) => n > 1).length > 1 || name.endsWith('probe')
    expect([name, groupSettings(name, [noDecay], defaults).weightDecay]).toEqual([name, isMatrix ? 0.1 : 0])
  }
  model.dispose()
})

it('locks the image tower, or all but the classifier', () => {
  const model = new SiglipForImageClassification(tiny)
  const free = [...model.namedParameters().keys()].filter((name) => !groupSettings(name, [headOnly], defaults).frozen)
  expect(free).toEqual(['classifier.weight', 'classifier.bias'])
  expect(groupSettings('vision_model.head.probe', [lockedImage], defaults).frozen).toBe(true)
  expect(groupSettings('text_model.head.weight', [lockedImage], defaults).frozen).toBe(false)
  model.dispose()
})
