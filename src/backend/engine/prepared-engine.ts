import * as tf from '@tensorflow/tfjs'

import type { Prepared } from '../backend-selector.js'
import { ENGINE } from './engine-backend.js'

/** Whether tfjs knows the engine's backend: this package's entry registers it. */
export function preparedEngine(): Prepared {
  if (tf.engine().registryFactory[ENGINE]) return { version: tf.version.tfjs, reason: 'it was asked for' }
  return { missing: 'it is not registered: import siglip-tfjs' }
}
