/** A classifier for your own classes: the frozen image tower, and a dense layer trained on its embeddings. */
import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { parseArgs } from 'node:util'
import * as tf from '@tensorflow/tfjs'
import { SiglipImageProcessor, SiglipVisionModel } from 'siglip-tfjs'

const usage = `node dist/examples/feature-extractor.js --images FOLDER

Learns the classes of a folder, in which each class is a folder of images, and prints how many of them it then names rightly: of
those that it was trained on, and of every fifth of a class, which was held back.

  --images FOLDER  the folder of folders
  --model FOLDER     a checkpoint with an image tower [models/siglip-tiny]
  --epochs N         times each image is seen       [200]
`
const { values: options } = parseArgs({
  options: {
    images: { type: 'string', default: 'images' },
    model: { type: 'string', default: 'models/siglip-tiny' },
    epochs: { type: 'string', default: '200' },
    help: { type: 'boolean', default: false },
  },
})

/** The feature is `[1, hidden]`. */
type Image = Readonly<{ feature: tf.Tensor2D; label: number }>
const featuresOf = (images: readonly Image[]) => tf.concat(images.map(({ feature }) => feature))
const labelsOf = (images: readonly Image[]) => images.map(({ label }) => label)

async function train(): Promise<void> {
  const tower = await SiglipVisionModel.fromPretrained(options.model)
  const processor = await SiglipImageProcessor.fromPretrained(options.model)
  const entries = await readdir(options.images, { withFileTypes: true })
  const classes = entries.flatMap((entry) => (entry.isDirectory() ? [path.join(options.images, entry.name)] : []))
  const trained: Image[] = []
  const heldBack: Image[] = []
  for (const [label, folder] of classes.entries()) {
    for (const [i, file] of (await readdir(folder)).sort().entries()) {
      const { poolerOutput: feature } = tower.forward(await processor.call(path.join(folder, file)))
      if (feature) (i % 5 === 4 ? heldBack : trained).push({ feature, label })
    }
  }

  const head = tf.sequential()
  head.add(tf.layers.dense({ units: classes.length, inputShape: [tower.config.hiddenSize] }))
  head.compile({ optimizer: tf.train.adam(0.01), loss: tf.losses.softmaxCrossEntropy })
  const targets = tf.oneHot(labelsOf(trained), classes.length)
  await head.fit(featuresOf(trained), targets, { epochs: Number(options.epochs) })
  for (const [part, images] of Object.entries({ 'trained on': trained, 'held back': heldBack })) {
    if (images.length === 0) continue
    const logits = head.apply(featuresOf(images)) as tf.Tensor2D
    const right = tf.sum(tf.equal(logits.argMax(-1), labelsOf(images))).dataSync()[0]
    console.log(`${part}: ${right} of ${images.length} images of ${classes.length} classes named rightly`)
  }
}

if (options.help) console.log(usage)
else await train()
