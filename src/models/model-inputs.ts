/** Inputs of models as tensors of the right shapes, or an `InputError`. To be called inside `tf.tidy`. */
import type * as tf from '@tensorflow/tfjs'
import { InputError } from '../errors.js'
import { describe, idTensor, toTensor, type TensorInput } from '../backend/tensor-input.js'
import type { SiglipVisionConfig, TextConfig } from './siglip/configuration.js'

/**
 * Images as a tensor.
 * @param anySize whether images of any size are allowed
 * @throws {InputError} unless it is `[batch, channels, height, width]`, with as many patches along each side as `imageSize` has
 */
export function pixelTensor(input: TensorInput, config: SiglipVisionConfig, anySize: boolean): tf.Tensor4D {
  const { numChannels, imageSize, patchSize } = config
  const tensor = toTensor(input, 'pixelValues', 'float32')
  const [batch = 0, channels, height = 0, width = 0]: readonly (number | undefined)[] = tensor.shape
  if (tensor.rank !== 4 || batch < 1 || channels !== numChannels || height < 1 || width < 1) {
    const expected = `[batch, ${numChannels}, height, width]`
    const hint = 'SiglipImageProcessor makes them.'
    throw new InputError('Invalid pixelValues', { expected, found: describe(tensor), hint })
  }
  const patches = (side: number): number => Math.floor(side / patchSize)
  const fits = (side: number): boolean => (anySize ? patches(side) > 0 : patches(side) === patches(imageSize))
  if (fits(height) && fits(width)) return tensor.as4D(batch, numChannels, height, width)
  const whole = `[batch, ${numChannels}, ${imageSize}, ${imageSize}]`
  throw new InputError('Invalid pixelValues', {
    expected: anySize ? `sides of at least a patch, ${patchSize}` : whole,
    found: `[${tensor.shape.join(', ')}]`,
    hint: anySize ? undefined : 'Resize the images, or set interpolatePosEncoding.',
  })
}

/** Token ids as a tensor. @throws {InputError} as {@link idTensor} does, and for more tokens than there are positions */
export function textTensor(input: TensorInput, { vocabSize, maxPositionEmbeddings: most }: TextConfig): tf.Tensor2D {
  const ids = idTensor(input, 'inputIds', vocabSize)
  const [, length] = ids.shape
  if (length <= most) return ids
  const detail = { expected: `at most ${most} tokens`, found: `${length}`, where: 'inputIds' }
  throw new InputError('text too long', { ...detail, hint: `Tokenize with { truncation: true, maxLength: ${most} }.` })
}

/** What comes with token ids `[batch, length]`, if it is given. @throws {InputError} unless its shape is theirs or `[1, length]` */
export function besideIds(
  input: TensorInput | undefined,
  name: string,
  limit: number,
  { shape: [batch, length] }: tf.Tensor2D,
): tf.Tensor2D | undefined {
  const tensor = input && idTensor(input, name, limit)
  if (!tensor || (tensor.shape[1] === length && (tensor.shape[0] === batch || tensor.shape[0] === 1))) return tensor
  const found = `[${tensor.shape.join(', ')}]`
  throw new InputError(`Invalid ${name}`, { expected: `[${batch}, ${length}], the shape of inputIds`, found })
}
