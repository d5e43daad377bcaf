import type { NativeAttribute, NativeBinding, NativeTensor } from './native-backend.js'

/** Infers the shapes of operations' results, grown one operation at a time. Its own numbers stand for tensors. */
export interface ShapeInference {
  /** A tensor from outside; `id` is the addon's. */
  readonly input: (dtype: number, shape: readonly number[], id: number) => number
  readonly constant: (dtype: number, shape: readonly number[], values: unknown) => number
  /** @returns a result each; −1 is an unknown size. Throws with TensorFlow's message if the operation can't be. */
  readonly operation: (
    op: string,
    attributes: readonly NativeAttribute[],
    inputs: readonly number[],
    outputs: number,
  ) => readonly NativeTensor[]
  readonly dispose: () => void
}

/** Runs the operations to see what comes out. */
export function byRunning(binding: NativeBinding): ShapeInference {
  const made: number[] = []
  return {
    input: (_dtype, _shape, id) => id,
    constant(dtype, shape, values) {
      const id = binding.createTensor(shape, dtype, values)
      made.push(id)
      return id
    },
    operation(op, attributes, inputs, outputs) {
      const results = binding.executeOp(op, attributes, inputs, outputs)
      for (const { id } of results) made.push(id)
      return results
    },
    dispose: () => {
      made.forEach((id) => {
        binding.deleteTensor(id)
      })
    },
  }
}
