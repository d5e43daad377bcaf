/** A classifier for classes of your own: the image tower as it is, and a dense layer trained on its embeddings. */
import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { parseArgs } from 'node:util'
import * as tf from '@tensorflow/tfjs'
import { SiglipImageProcessor, SiglipVisionModel } from 'siglip-tfjs'

const usage = `node dist/examples/feature-extractor.js --pictures FOLDER

Learns the classes of a folder, in which each class is a folder of pictures, and prints how many of them it then names rightly: of
those that it was trained on, and of every fifth of a class, which was held back.

  --pictures FOLDER  the folder of folders
  --model FOLDER     a checkpoint with an image tower [models/siglip-tiny]
  --epochs N         times each picture is seen       [200]
`
const { values: options } = parseArgs({
  options: {
    pictures: { type: 'string', default: 'pictures' },
    model: { type: 'string', default: 'models/siglip-tiny' },
    epochs: { type: 'string', default: '200' },
    help: { type: 'boolean', default: false },
  },
})

/** The feature is `[1, hidden]`. */
type Picture = Readonly<{ feature: tf.Tensor2D; label: number }>
const featuresOf = (pictures: readonly Picture[]) => tf.concat(pictures.map(({ feature }) => feature))
const labelsOf = (pictures: readonly Picture[]) => pictures.map(({ label }) => label)

async function train(): Promise<void> {
  const tower = await SiglipVisionModel.fromPretrained(options.model)
  const processor = await SiglipImageProcessor.fromPretrained(options.model)
  const entries = await readdir(options.pictures, { withFileTypes: true })
  const classes = entries.flatMap((entry) => (entry.isDirectory() ? [path.join(options.pictures, entry.name)] : []))
  const trained: Picture[] = []
  const heldBack: Picture[] = []
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
  for (const [part, pictures] of Object.entries({ 'trained on': trained, 'held back': heldBack })) {
    if (pictures.length === 0) continue
    const logits = head.apply(featuresOf(pictures)) as tf.Tensor2D
    const right = tf.sum(tf.equal(logits.argMax(-1), labelsOf(pictures))).dataSync()[0]
    console.log(`${part}: ${right} of ${pictures.length} pictures of ${classes.length} classes named rightly`)
  }
}

if (options.help) console.log(usage)
else await train()
