import * as tf from '@tensorflow/tfjs'
import { checkFinite } from '../../converters/formats/finite-values.js'
import { InputError } from '../errors.js'
import type { SiglipVisionConfig, TextConfig } from '../models/siglip/configuration.js'
import type { PreTrainedModel } from '../models/loading/pre-trained-model.js'
import { SiglipForImageClassification } from '../models/siglip/image-classification.js'
import { SiglipModel } from '../models/siglip/modeling.js'
import { SiglipVisionModel } from '../models/siglip/vision-model.js'
import { Siglip2TextModel } from '../models/siglip2/modeling.js'
import { SiglipTextModel } from '../models/siglip/text-model.js'
import type { Captured } from '../jit/record/captures.js'
import { record } from '../jit/record/recorder.js'
import { openGraph, type OpenSize } from './open-graph.js'
import type { Signature } from './saved-model.js'
import type { Weight } from './weight.js'

interface ModelInput {
  readonly name: string
  /** What its open batch size is called. */
  readonly size: string
  readonly example: (batch: number) => tf.Tensor
}

/** A function of a model, and how it is called from outside. */
interface ModelFunction {
  readonly name: string
  readonly inputs: readonly ModelInput[]
  readonly outputs: readonly string[]
  readonly run: (inputs: readonly tf.Tensor[]) => tf.Tensor[]
}

const imageInput = ({ numChannels, imageSize }: SiglipVisionConfig): ModelInput => ({
  name: 'pixel_values',
  size: 'image_batch',
  example: (batch) => tf.zeros([batch, numChannels, imageSize, imageSize]),
})

const textInput = ({ maxPositionEmbeddings }: TextConfig): ModelInput => ({
  name: 'input_ids',
  size: 'text_batch',
  example: (batch) => tf.zeros([batch, maxPositionEmbeddings], 'int32'),
})

/** What a model offers, by transformers' names: `image`, `text`, and `both` for one with two towers. */
function functionsOf(model: PreTrainedModel): ModelFunction[] {
  if (model instanceof SiglipModel) {
    const image = imageInput(model.config.visionConfig)
    const text = textInput(model.config.textConfig)
    return [
      {
        name: 'image',
        inputs: [image],
        outputs: ['image_embeds'],
        run: ([pixelValues]) => [model.getImageFeatures({ pixelValues: ofRank4(pixelValues) }).poolerOutput],
      },
      {
        name: 'text',
        inputs: [text],
        outputs: ['text_embeds'],
        run: ([inputIds]) => [model.getTextFeatures({ inputIds: ofRank2(inputIds) }).poolerOutput],
      },
      {
        name: 'both',
        inputs: [text, image],
        outputs: ['logits_per_image', 'logits_per_text', 'text_embeds', 'image_embeds'],
        run: ([inputIds, pixelValues]) => {
          const out = model.forward({ inputIds: ofRank2(inputIds), pixelValues: ofRank4(pixelValues) })
          return [out.logitsPerImage, out.logitsPerText, out.textEmbeds, out.imageEmbeds]
        },
      },
    ]
  }
  if (model instanceof SiglipForImageClassification) {
    const run: ModelFunction['run'] = ([pixelValues]) => [model.forward({ pixelValues: ofRank4(pixelValues) }).logits]
    return [{ name: 'image', inputs: [imageInput(model.config.visionConfig)], outputs: ['logits'], run }]
  }
  const outputs = ['last_hidden_state', 'pooler_output'] // of which a tower without a head has the first
  if (model instanceof SiglipTextModel || model instanceof Siglip2TextModel) {
    const run: ModelFunction['run'] = ([inputIds]) => {
      const { lastHiddenState, poolerOutput } = model.forward({ inputIds: ofRank2(inputIds) })
      return [lastHiddenState, poolerOutput]
    }
    return [{ name: 'text', inputs: [textInput(model.config)], outputs, run }]
  }
  if (model instanceof SiglipVisionModel) {
    const run: ModelFunction['run'] = ([pixelValues]) => {
      const { lastHiddenState, poolerOutput } = model.forward({ pixelValues: ofRank4(pixelValues) })
      return poolerOutput ? [lastHiddenState, poolerOutput] : [lastHiddenState]
    }
    return [{ name: 'image', inputs: [imageInput(model.config)], outputs, run }]
  }
  throw new InputError('this model cannot be exported', {
    expected: 'a SiglipModel, a text tower, a SiglipVisionModel or a SiglipForImageClassification',
    hint: 'NaFlex models fit their positions to each image, which no fixed graph does.',
  })
}

/** Records what a model does, with open batch sizes. @throws {InputError} for a model of another kind */
export function modelSignatures(model: PreTrainedModel): Signature[] {
  return functionsOf(model).map(({ name, inputs, outputs, run }) => {
    let captured: readonly Captured[] = []
    const sizes = inputs.map(({ size }, argument): OpenSize => ({ argument, name: size }))
    const graph = openGraph((batches) => {
      const examples = inputs.map((input, i) => input.example(batches[i] ?? 1))
      try {
        const recording = record(run, examples)
        captured = recording.captures
        return { ...recording.graph, results: recording.returned.flatMap((at) => recording.graph.results[at] ?? []) }
      } finally {
        tf.dispose(examples)
      }
    }, sizes)
    const weights = graph.captures.map(({ name: known, index }): Weight => {
      const tensor = captured[index]?.tensor
      const [value] = graph.captures[index]?.outputs ?? []
      return {
        name: known ?? `${name}/capture_${index}`,
        dtype: value?.dtype ?? 'float32',
        shape: value?.shape ?? [],
        bytes: () => bytesOf(tensor, known ?? name),
      }
    })
    return { name, graph, inputs: inputs.map((input) => input.name), outputs, weights }
  })
}

function bytesOf(tensor: tf.Tensor | undefined, name: string): Uint8Array {
  const values = tensor?.dataSync()
  if (values) checkFinite(values, name, 'the exported model')
  return values ? new Uint8Array(values.buffer, values.byteOffset, values.byteLength) : new Uint8Array()
}

function ofRank4(x: tf.Tensor | undefined): tf.Tensor4D {
  if (x && hasRank4(x)) return x
  throw new InputError('not images', { expected: '[batch, channels, height, width]', found: `[${String(x?.shape)}]` })
}

function ofRank2(x: tf.Tensor | undefined): tf.Tensor2D {
  if (x && hasRank2(x)) return x
  throw new InputError('not ids', { expected: '[batch, length]', found: `[${String(x?.shape)}]` })
}

const hasRank4 = (x: tf.Tensor): x is tf.Tensor4D => x.rank === 4
const hasRank2 = (x: tf.Tensor): x is tf.Tensor2D => x.rank === 2
