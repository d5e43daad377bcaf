/** A checkpoint of big_vision, where SigLIP comes from, as a folder that this package and transformers load. */
import { parseArgs } from 'node:util'
import { SiglipModel } from 'siglip-tfjs'

const usage = `node dist/examples/from-big-vision.js FILE.npz FOLDER

Loads a big_vision checkpoint, infers its configuration from the weights, and saves it in transformers' format: config.json and
model.safetensors. For the other way, and for open_clip and timm: npx siglip convert --help

  --dtype TYPE       F32, F16 or BF16 [F32]
`
const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { dtype: { type: 'string', default: 'F32' }, help: { type: 'boolean', default: false } },
})

async function convert([file = 'model.npz', folder = 'converted']: readonly string[]): Promise<void> {
  const model = await SiglipModel.fromPretrained(file)
  const { textConfig, visionConfig } = model.config
  console.log(`${(model.numParameters() / 1e6).toFixed(2)} million parameters`)
  console.log(`text:  ${textConfig.numHiddenLayers} layers of ${textConfig.hiddenSize}, ${textConfig.vocabSize} tokens`)
  console.log(
    `image: ${visionConfig.numHiddenLayers} layers of ${visionConfig.hiddenSize}, ${visionConfig.imageSize} pixels`,
  )
  const dtype = (['F32', 'F16', 'BF16'] as const).find((known) => known === options.dtype)
  await model.savePretrained(folder, { dtype })
  console.log(`saved to ${folder}`)
}

if (options.help) console.log(usage)
else await convert(positionals)
