import { SiglipModel } from '../../src/models/siglip/modeling.js'
import { SiglipProcessor } from '../../src/processor/siglip-processor.js'
import type { PreparedBatch } from '../../src/training/data/prepared-batches.js'
import { sigmoidLoss } from '../../src/training/losses/sigmoid-loss.js'
import { ContrastiveObjective } from '../../src/training/contrastive-objective.js'
import { fixturePath } from '../fixture.js'

it('reports the captions of the first epoch that are cut, each once', async () => {
  const model = await SiglipModel.fromPretrained(fixturePath('siglip-tiny'))
  const { tokenizer } = await SiglipProcessor.fromPretrained(fixturePath('siglip-tiny'))
  const onTruncated = jest.fn()
  const options = {
    ...{
      model,
      tokenizer,
      loss: sigmoidLoss,
      seesPairs: true,
      microBatches: 1,
      matches: undefined,
      seed: 0,
      onTruncated,
    },
    keptShare: () => 1,
  }
  const long = ['red', 'blue'].map((word) => `${'word '.repeat(30)}${word}`)
  const batch = (epoch: number, captions: readonly string[]) =>
    ({ captions, epoch, samples: [], images: {}, next: { epoch, pool: 0, batch: 0 } }) as unknown as PreparedBatch

  const objective = new ContrastiveObjective(options)
  objective.inputsOf(batch(3, [...long, 'a cat']), 0)
  objective.inputsOf(batch(3, [...long, 'a dog']), 1)
  expect(onTruncated).not.toHaveBeenCalled()
  objective.inputsOf(batch(4, [...long, 'a cat']), 2)
  objective.inputsOf(batch(5, [...long, 'a cat']), 3)
  objective.end()
  expect(onTruncated.mock.calls).toEqual([[{ count: 2, maxLength: 16 }]])

  const short = new ContrastiveObjective(options)
  short.inputsOf(batch(0, long.slice(1)), 0)
  short.end()
  expect(onTruncated).toHaveBeenLastCalledWith({ count: 1, maxLength: 16 })
  model.dispose()
})
