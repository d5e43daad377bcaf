import * as tf from '@tensorflow/tfjs'
import { InputError } from '../../errors.js'
import { checkTensorInput, checkValues, isInt32, toTensor, type TensorInput } from '../../backend/tensor-input.js'
import type { ProblemType } from '../loading/config-fields.js'

/** A label of −100 is ignored, as in torch. */
const ignored = -100

/**
 * The loss of transformers' `ForSequenceClassificationLoss`: cross entropy for one class of several, binary cross entropy for any
 * number of classes, mean squared error for regression.
 *
 * @param logits `[batch, labels]`
 */
export function classificationLoss(logits: tf.Tensor2D, labels: TensorInput, problemType: ProblemType): tf.Scalar {
  const [batch, count] = logits.shape
  switch (problemType) {
    case 'single_label_classification': {
      const classes = { whole: true, least: 0, most: count - 1, also: ignored }
      checkValues(labels, 'labels', classes, `classes from 0 to ${count - 1}, or ${ignored}`)
      return crossEntropy(logits, inShape(toTensor(labels, 'labels', 'int32'), [batch]))
    }
    case 'multi_label_classification':
      return binaryCrossEntropy(logits, inShape(toTensor(labels, 'labels', 'float32'), [batch, count]))
    case 'regression':
      return tf.mean(tf.squaredDifference(logits, inShape(toTensor(labels, 'labels', 'float32'), [batch, count])))
  }
}

/**
 * What labels are: a regression for one class, classes if they are whole numbers, otherwise any number of classes.
 * @throws {InputError} unless they are a tensor, or an array with its shape
 */
export function problemOf(count: number, labels: TensorInput): ProblemType {
  checkTensorInput(labels, 'labels')
  if (count === 1) return 'regression'
  return isInt32(labels) ? 'single_label_classification' : 'multi_label_classification'
}

/** −log softmax at the labelled class, the mean over the batch. */
function crossEntropy(logits: tf.Tensor2D, labels: tf.Tensor): tf.Scalar {
  const [, count] = logits.shape
  const counted = tf.cast(tf.notEqual(labels, ignored), 'float32') // [batch]
  const chosen = tf.oneHot(tf.cast(labels, 'int32').as1D(), count) // [batch, labels]; a row of zeros for −100
  const logLikelihood = tf.sum(tf.mul(tf.cast(chosen, 'float32'), tf.logSoftmax(logits)), -1)
  return tf.div(tf.neg(tf.sum(logLikelihood)), tf.sum(counted))
}

/** −log σ(±logits), the mean over batch and classes: y·softplus(−x) + (1 − y)·softplus(x). */
function binaryCrossEntropy(logits: tf.Tensor2D, labels: tf.Tensor): tf.Scalar {
  const perClass = tf.add(tf.mul(labels, tf.softplus(tf.neg(logits))), tf.mul(tf.sub(1, labels), tf.softplus(logits)))
  return tf.mean(perClass)
}

/** Labels reshaped to `shape`; shapes may differ only by dimensions of size 1. */
function inShape(labels: tf.Tensor, shape: number[]): tf.Tensor {
  const essence = (dimensions: readonly number[]): string => String(dimensions.filter((n) => n !== 1))
  if (essence(labels.shape) === essence(shape)) return tf.reshape(labels, shape)
  throw new InputError('Invalid labels', { expected: `[${shape.join(', ')}]`, found: `[${labels.shape.join(', ')}]` })
}
