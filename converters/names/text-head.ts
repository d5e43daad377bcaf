import { byteLength } from '../formats/dtypes.js'
import type { WeightInfo, Weights } from '../formats/weights.js'

const NORM = 'text_model.final_layer_norm.weight'
const WEIGHT = 'text_model.head.weight'
const BIAS = 'text_model.head.bias'
/** As large as the projection, which is in memory already. */
const SQUARE = 'text_model.encoder.layers.0.self_attn.q_proj.weight'

/**
 * Weights in which a text tower without a projection (so400m-patch16-256-i18n as others store it) has the one that transformers'
 * model wants: the identity, which changes no number.
 */
export function withTextHead(weights: Weights): Weights {
  const norm = weights.tensors.get(NORM)
  const [width = 0] = norm?.shape ?? []
  const isSquare = weights.tensors.get(SQUARE)?.shape.every((side) => side === width) === true
  if (norm === undefined || !isSquare || weights.tensors.has(WEIGHT) || weights.tensors.has(BIAS)) return weights
  const info = (shape: readonly number[]): WeightInfo => ({
    dtype: norm.dtype,
    shape,
    byteLength: byteLength(norm.dtype, shape),
  })
  return {
    location: weights.location,
    tensors: new Map([...weights.tensors, [WEIGHT, info([width, width])], [BIAS, info([width])]]),
    read(name, begin, end) {
      if (name !== WEIGHT && name !== BIAS) return weights.read(name, begin, end)
      const identity = new Float32Array(name === WEIGHT ? width * width : width)
      if (name === WEIGHT) for (let i = 0; i < width; i++) identity[i * width + i] = 1
      return Promise.resolve(identity.slice(begin, end))
    },
  }
}
