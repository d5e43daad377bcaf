import { type Attributes, type Constant, type DataType, isChecked, operation, type Value } from '../graph.js'
import { TYPE_NUMBERS } from '../record/native-backend.js'

/** The shape and type of a result. */
export interface Result {
  readonly shape: readonly number[]
  readonly dtype: DataType
}

/** Writes TensorFlow's operations as nodes of a graph, with the shapes of their results. */
export class NodeWriter {
  /** @param line the user's line that is being run, for what may fail on some values */
  constructor(private readonly line: () => string | undefined = () => undefined) {}

  operation(op: string, inputs: readonly Value[], result: Result, attributes: Attributes = {}): Value {
    return first(this.operations(op, inputs, [result], attributes))
  }

  operations(
    op: string,
    inputs: readonly Value[],
    results: readonly Result[],
    attributes: Attributes = {},
  ): readonly Value[] {
    return operation(op, inputs, results, attributes, isChecked(op) ? this.line() : undefined).outputs
  }

  constant(values: Constant['values'], shape: readonly number[], dtype: DataType): Value {
    const outputs: Value[] = []
    const node: Constant = { kind: 'constant', values, outputs }
    const value: Value = { node, output: 0, shape, dtype }
    outputs.push(value)
    return value
  }

  /** A list of whole numbers, as axes and sizes are. */
  ints(values: readonly number[]): Value {
    return this.constant(Int32Array.from(values), [values.length], 'int32')
  }

  /** One whole number. */
  int(value: number): Value {
    return this.constant(Int32Array.of(value), [], 'int32')
  }

  scalar(value: number, dtype: DataType): Value {
    if (dtype === 'float32') return this.constant(Float32Array.of(value), [], dtype)
    return dtype === 'int32' ? this.int(value) : this.constant(Uint8Array.of(Number(value !== 0)), [], dtype)
  }
}

/** An attribute that is a type. */
export const typeOf = (dtype: DataType): { readonly type: number } => ({ type: TYPE_NUMBERS[dtype] })

/** The attribute `T` of most operations. */
export const typed = ({ dtype }: Pick<Value, 'dtype'>): Attributes => ({ T: typeOf(dtype) })

function first(values: readonly Value[]): Value {
  const [value] = values
  if (!value) throw new RangeError('An operation has no result')
  return value
}
