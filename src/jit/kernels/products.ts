import * as tf from '@tensorflow/tfjs'

import { InputError } from '../../errors.js'
import type { Value } from '../graph.js'
import { flagAt, numberAt, textAt } from './attributes.js'
import { binary, leakyRelu, prelu, unary } from './elementwise.js'
import type { GraphKernels } from './graph-kernel.js'
import { type NodeWriter, typed } from './node-writer.js'

/** Writes the product of two lists of matrices. @throws InputError if they do not fit */
function product(writer: NodeWriter, a: Value, b: Value, adjX: boolean, adjY: boolean): Value {
  const [aRows = 1, aColumns = 1] = adjX ? a.shape.slice(-2).reverse() : a.shape.slice(-2)
  const [bRows = 1, bColumns = 1] = adjY ? b.shape.slice(-2).reverse() : b.shape.slice(-2)
  if (aColumns !== bRows || a.shape.length < 2 || b.shape.length < 2) {
    throw new InputError('Matrices do not fit to be multiplied', {
      expected: 'as many columns of the first as rows of the second',
      found: `[${a.shape.join(', ')}]${adjX ? ' transposed' : ''} and [${b.shape.join(', ')}]${adjY ? ' transposed' : ''}`,
    })
  }
  const batch = tf.broadcast_util.assertAndGetBroadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2))
  const attributes = { ...typed(a), adj_x: { bool: adjX }, adj_y: { bool: adjY } }
  return writer.operation('BatchMatMulV2', [a, b], { shape: [...batch, aRows, bColumns], dtype: 'float32' }, attributes)
}

/** Products of matrices. */
export const productKernels: GraphKernels = {
  BatchMatMul(writer, inputs, attrs) {
    const [a, b] = [inputs.get('a'), inputs.get('b')]
    if (a.dtype !== 'float32' || b.dtype !== 'float32') return undefined
    return product(writer, a, b, flagAt(attrs, 'transposeA'), flagAt(attrs, 'transposeB'))
  },
  _FusedMatMul(writer, inputs, attrs) {
    const [a, b, bias] = [inputs.get('a'), inputs.get('b'), inputs.optional('bias')]
    if (a.dtype !== 'float32' || b.dtype !== 'float32') return undefined
    let result = product(writer, a, b, flagAt(attrs, 'transposeA'), flagAt(attrs, 'transposeB'))
    if (bias) result = binary(writer, 'AddV2', result, bias)
    switch (textAt(attrs, 'activation', 'linear')) {
      case 'linear':
        return result
      case 'relu':
        return unary(writer, 'Relu', result)
      case 'relu6':
        return unary(writer, 'Relu6', result)
      case 'elu':
        return unary(writer, 'Elu', result)
      case 'sigmoid':
        return unary(writer, 'Sigmoid', result)
      case 'leakyrelu':
        return leakyRelu(writer, result, numberAt(attrs, 'leakyreluAlpha'))
      case 'prelu':
        return prelu(writer, result, inputs.get('preluActivationWeights'))
      default:
        return undefined
    }
  },
}
