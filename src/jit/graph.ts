/**
 * What a function of tensors does, written down: TensorFlow's operations, and which result goes where.
 *
 * @module
 */

/** Types of tensors as TensorFlow names them in tfjs. */
export type DataType = 'float32' | 'int32' | 'bool'

/** An attribute of an operation, e.g. `adj_x: { bool: true }`; a `type` is TensorFlow's number of it. */
export type Attribute =
  | { readonly bool: boolean }
  | { readonly int: number }
  | { readonly float: number }
  | { readonly string: string }
  | { readonly type: number }
  | { readonly ints: readonly number[] }
  | { readonly types: readonly number[] }

export type Attributes = Readonly<Record<string, Attribute>>

/** One result of a node. */
export interface Value {
  readonly node: Node
  /** Which of the node's results. */
  readonly output: number
  readonly shape: readonly number[]
  readonly dtype: DataType
}

/** Something computed from values; `outputs[i].node` is the node itself. */
export type Node = Operation | Argument | Capture | Constant

interface Results {
  readonly outputs: readonly Value[]
}

/** One of TensorFlow's operations, e.g. `MatMul`. */
export interface Operation extends Results {
  readonly kind: 'operation'
  readonly op: string
  readonly attributes: Attributes
  readonly inputs: readonly Value[]
  /** The user's line that asked for it, `file:line:column`, if it may fail on some values. */
  readonly line?: string
}

/** What is passed in at each call. */
export interface Argument extends Results {
  readonly kind: 'argument'
  readonly index: number
}

/** A variable or tensor from outside that the function uses: read anew at each call. */
export interface Capture extends Results {
  readonly kind: 'capture'
  readonly index: number
  /** The variable's name, as transformers names weights; none for a plain tensor. */
  readonly name?: string
}

/** Values known when the function was recorded. */
export interface Constant extends Results {
  readonly kind: 'constant'
  readonly values: Float32Array | Int32Array | Uint8Array
}

/** A recorded function. */
export interface Graph {
  readonly arguments: readonly Argument[]
  readonly captures: readonly Capture[]
  /** What it returns, and then what it assigns to variables. */
  readonly results: readonly Value[]
}

/** What a graph's captures and results are to variables that change. */
export interface Variables {
  /** Numbers of the results that variables keep as their values. */
  readonly kept: ReadonlySet<number>
  /** Numbers of the captures that are assigned between calls → of the results that are their next values. */
  readonly replaced: ReadonlyMap<number, number>
}

export const NO_VARIABLES: Variables = { kept: new Set(), replaced: new Map() }

/** Whether an operation may refuse its values when it runs: its error then names the user's line. */
export const isChecked = (op: string): boolean => /Gather|Scatter|Segment|Sparse/.test(op)

/** A node with the results that `shapes` describes. */
export function operation(
  op: string,
  inputs: readonly Value[],
  results: readonly { readonly shape: readonly number[]; readonly dtype: DataType }[],
  attributes: Attributes = {},
  line?: string,
): Operation {
  const outputs: Value[] = []
  const node: Operation = {
    kind: 'operation',
    op,
    attributes,
    inputs,
    outputs,
    ...(line === undefined ? {} : { line }),
  }
  results.forEach(({ shape, dtype }, output) => outputs.push({ node, output, shape, dtype }))
  return node
}

/** The nodes that the results need, each after those it uses. */
export function nodesOf(results: readonly Value[]): readonly Node[] {
  const ordered = new Set<Node>()
  const open: { readonly node: Node; next: number }[] = []
  for (const { node } of results) {
    if (!ordered.has(node)) open.push({ node, next: 0 })
    for (let top = open.at(-1); top; top = open.at(-1)) {
      const inputs = top.node.kind === 'operation' ? top.node.inputs : []
      const input = inputs[top.next++]
      if (input === undefined) {
        ordered.add(top.node)
        open.pop()
      } else if (!ordered.has(input.node)) {
        open.push({ node: input.node, next: 0 })
      }
    }
  }
  return [...ordered]
}
