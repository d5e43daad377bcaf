import * as tf from '@tensorflow/tfjs'
import { evaluateRetrieval, SiglipModel, SiglipProcessor } from 'siglip-tfjs'
import { ImageFolder, train, type LossContext } from 'siglip-tfjs/node'

const [pictures = '--help', checkpoint = 'models/siglip-tiny', out = 'out/focal'] = process.argv.slice(2)
if (pictures === '--help') {
  console.log('node dist/examples/custom-loss.js PICTURES [CHECKPOINT [OUT]]\n\nTrains with its own loss. --help: this')
  process.exit()
}

/** The sigmoid loss, in which a pair counts the more the more wrong the model is about it (Lin et al. 2017, "Focal Loss"). */
function focalLoss({ logits, labels }: LossContext): tf.Scalar {
  const towards = tf.mul(logits, tf.sub(tf.mul(labels, 2), 1)) // above 0 where the model is right
  const wrong = tf.sigmoid(tf.neg(towards))
  return tf.div(tf.sum(tf.mul(tf.square(wrong), tf.softplus(tf.neg(towards)))), logits.shape[0])
}

const model = await SiglipModel.fromPretrained(checkpoint)
const processor = await SiglipProcessor.fromPretrained(checkpoint)
const data = await ImageFolder.open(pictures)
const recall = async () => (await evaluateRetrieval({ model, processor }, data.samples)).imageToText.recall[1]
const before = await recall()
await train({ model, processor, data, loss: focalLoss, batchSize: 8, epochs: 10, out })
console.log(`recall@1 ${before?.toFixed(3)} before, ${(await recall())?.toFixed(3)} after`)
