import { hiddenActOf, timmActivation, timmActivations } from '../../../converters/configs/timm-activation.js'
import { activationNames } from '../../../src/layers/activation.js'

describe('activations of timm', () => {
  it('are of names that the models know', () => {
    const unknown = timmActivations.map(([own]) => own).filter((own) => !activationNames.includes(own))
    expect(unknown).toEqual([])
  })

  it.each(timmActivations)('brings %s back as a name of the same function', (own, timm) => {
    const back = hiddenActOf(timm) ?? ''
    expect(timmActivation(back)).toBe(timmActivation(own))
  })

  it('reads the tanh form of gelu back under the name that SigLIP has for it', () => {
    expect([hiddenActOf('gelu'), hiddenActOf('gelu_tanh'), hiddenActOf('silu')]).toEqual([
      'gelu',
      'gelu_pytorch_tanh',
      'silu',
    ])
  })
})
