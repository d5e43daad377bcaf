import { SiglipModel } from '../../src/models/siglip-model.js'
import { SiglipProcessor } from '../../src/processor/siglip-processor.js'

// Needs the hub and 0.8 GB: SIGLIP_TEST_HUB=1 npx jest test/hub/published-logits
const online = process.env['SIGLIP_TEST_HUB'] === '1' ? test : test.skip

online(
  'google/siglip-base-patch16-224 gives the logits that transformers’ own tests expect',
  async () => {
    const id = 'google/siglip-base-patch16-224'
    const processor = await SiglipProcessor.fromPretrained(id)
    const model = await SiglipModel.fromPretrained(id)
    const inputs = await processor.call({
      text: ['a photo of 2 cats', 'a photo of 2 dogs'],
      images: 'http://images.cocodataset.org/val2017/000000039769.jpg',
    })
    const { logitsPerImage } = model.forward(inputs)
    const [cats, dogs] = await logitsPerImage.data()
    expect(cats).toBeCloseTo(-0.7567, 3)
    expect(dogs).toBeCloseTo(-10.3354, 3)
  },
  3_600_000,
)
