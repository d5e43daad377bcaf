import * as tf from '@tensorflow/tfjs'
import { AdamW, evaluateRetrieval, listedData, lockedImage, SiglipModel, SiglipProcessor } from 'siglip-tfjs'
import { train, type LossContext, type OptimizerMaker } from 'siglip-tfjs/node'
import { gallerySamples } from './emoji/gallery.js'

const usage = 'node dist/examples/custom-loss.js OUT\n\nTeaches the bundled model Spanish. --help: this'
/** The sigmoid loss, in which a pair counts the more the more wrong the model is about it (Lin et al. 2017, "Focal Loss"). */
function focalLoss({ logits, labels }: LossContext): tf.Scalar {
  const towards = tf.mul(logits, tf.sub(tf.mul(labels, 2), 1)) // above 0 where the model is right
  const wrong = tf.sigmoid(tf.neg(towards))
  return tf.div(tf.sum(tf.mul(tf.square(wrong), tf.softplus(tf.neg(towards)))), logits.shape[0])
}
async function learnSpanish(out: string): Promise<string> {
  const model = await SiglipModel.fromPretrained('models/emoji')
  const processor = await SiglipProcessor.fromPretrained('models/emoji')
  const data = listedData(await gallerySamples('noto', 'spanish')) // drawings of one vendor to learn from,
  const asked = await gallerySamples('twemoji', 'spanish') // and another's to be asked about
  const recall = async () => (await evaluateRetrieval({ model, processor }, asked)).textToImage.recall[5]
  const before = await recall()
  const optimizer: OptimizerMaker = (parameters) => new AdamW({ parameters, learningRate: 1e-3, groups: [lockedImage] })
  await train({ model, processor, data, loss: focalLoss, optimizer, batchSize: 64, epochs: 10, out })
  return `recall@5 of emoji by Spanish words: ${before?.toFixed(3)} before, ${(await recall())?.toFixed(3)} after`
}
const [out = '--help'] = process.argv.slice(2)
console.log(out === '--help' ? usage : await learnSpanish(out))
