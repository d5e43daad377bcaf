/** Searches a folder of images by text: embeds the images once, keeps their embeddings, and answers queries. */
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { parseArgs } from 'node:util'
import * as tf from '@tensorflow/tfjs'
import { AutoModelForZeroShotImageClassification, AutoProcessor, embedImages, embedTexts } from 'siglip-tfjs'
import { parseSafetensors, serializeSafetensors, type Tensor } from 'siglip-tfjs/safetensors'

const usage = `node dist/examples/search-images.js --images FOLDER QUERY…

Prints the three images of a folder that go best with each query, with their cosines. The embeddings are kept: an image is
embedded once. (\`npx siglip search\` does this, too; here it is in the open.)

  --images FOLDER  where the images are                      [examples/emoji/gallery/pictures]
  --model FOLDER     a checkpoint with an image and a text tower [models/emoji]
  --keep FILE        where the embeddings are kept               [out/search/embeddings.safetensors]
`
const { values: options, positionals: queries } = parseArgs({
  allowPositionals: true,
  options: {
    images: { type: 'string', default: 'examples/emoji/gallery/pictures' },
    model: { type: 'string', default: 'models/emoji' },
    keep: { type: 'string', default: 'out/search/embeddings.safetensors' },
    help: { type: 'boolean', default: false },
  },
})

async function search(): Promise<void> {
  const model = await AutoModelForZeroShotImageClassification.fromPretrained(options.model)
  const processor = await AutoProcessor.fromPretrained(options.model)
  const names = (await readdir(options.images)).filter((name) => /\.(jpe?g|png|webp|gif|tiff?|avif)$/i.test(name))
  const known = existsSync(options.keep)
    ? parseSafetensors(await readFile(options.keep))
    : { tensors: new Map<string, Tensor>(), metadata: {} }
  const of = JSON.stringify([options.model, options.images])
  const embeddings = known.metadata['of'] === of ? known.tensors : new Map<string, Tensor>()

  const fresh = names.filter((name) => !embeddings.has(name))
  const files = fresh.map((name) => path.join(options.images, name))
  let place = 0
  for await (const batch of embedImages(model, processor, files, { normalize: true })) {
    for (const row of tf.unstack(batch)) {
      const data = Float32Array.from(await row.data<'float32'>())
      embeddings.set(fresh[place++] ?? '', { dtype: 'F32', shape: row.shape, data })
    }
  }
  await mkdir(path.dirname(options.keep), { recursive: true })
  await writeFile(options.keep, serializeSafetensors(embeddings, { of }))
  console.log(`${names.length} images, ${fresh.length} embedded now`)

  for await (const batch of embedTexts(model, processor, queries, { normalize: true, batchSize: 1 })) {
    const words = batch.dataSync<'float32'>()
    const cosine = (name: string): number =>
      words.reduce((sum, value, i) => sum + value * Number(embeddings.get(name)?.data[i]), 0)
    const found = names.map((name) => ({ name, score: cosine(name) })).sort((a, b) => b.score - a.score)
    console.log(`\n${queries.shift()}`)
    for (const { name, score } of found.slice(0, 3)) console.log(`  ${score.toFixed(4)}  ${name}`)
  }
}

if (options.help) console.log(usage)
else await search()
