/** Zero-shot labels with SigLIP 2 NaFlex, which sees an image in its own proportions instead of a square. */
import { parseArgs } from 'node:util'
import * as tf from '@tensorflow/tfjs'
import { Siglip2Model, Siglip2Processor } from 'siglip-tfjs'

const usage = `node dist/examples/naflex.js --model FOLDER --labels LABELS IMAGE…

Scores images against labels, and prints into how many patches each is split.

  --model FOLDER     a NaFlex checkpoint, such as google/siglip2-base-patch16-naflex
  --labels LABELS    separated by commas                    [a cat, a cup of coffee, a rocket]
  --patches N        the most patches of an image: more see more, and take longer [the checkpoint's]
`
const { values: options, positionals: images } = parseArgs({
  allowPositionals: true,
  options: {
    model: { type: 'string', default: 'google/siglip2-base-patch16-naflex' },
    labels: { type: 'string', default: 'a cat, a cup of coffee, a rocket' },
    patches: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})

async function classify(): Promise<void> {
  const model = await Siglip2Model.fromPretrained(options.model)
  const processor = await Siglip2Processor.fromPretrained(options.model)
  const labels = options.labels.split(',').map((label) => label.trim())
  const inputs = await processor.call(
    { text: labels.map((label) => `This is a photo of ${label}.`), images: images },
    {
      maxLength: model.config.textConfig.maxPositionEmbeddings,
      ...(options.patches === undefined ? {} : { maxNumPatches: Number(options.patches) }),
    },
  )
  const scores = tf.tidy(() => tf.sigmoid(model.forward(inputs).logitsPerImage).as2D(images.length, -1).arraySync())
  for (const [i, image] of images.entries()) {
    const [rows, columns] = inputs.spatialShapes.data.subarray(2 * i)
    console.log(`${image}: ${rows} × ${columns} patches`)
    for (const [j, label] of labels.entries()) console.log(`  ${(scores[i]?.[j] ?? NaN).toFixed(4)}  ${label}`)
  }
}

if (options.help) console.log(usage)
else await classify()
