import {
  at,
  type Epilogue,
  epilogueOf,
  type GraphBuilder,
  madeBy,
  productActivations,
  type Rule,
  scalarOf,
  sizeOf,
  usesOf,
} from '../graph-builder.js'
import type { Graph, Operation, Value } from '../graph.js'

const ACTIVATIONS: ReadonlySet<string> = new Set(productActivations)

/**
 * Lets products scale their sums, add a bias, apply an activation and add a residual, wherever nothing else needs what is
 * between.
 */
export function epilogues(builder: GraphBuilder, graph: Graph): Rule {
  const uses = usesOf(graph)
  const isUsedOnce = (value: Value): boolean => {
    if (uses.get(value) !== 1) return false
    const reshape = madeBy(value, 'reshape')
    return !reshape || isUsedOnce(at(reshape.inputs, 0))
  }
  return (node, inputs) => {
    const { shape } = at(node.outputs, 0)
    for (const [i, input] of inputs.entries()) {
      const product = madeBy(unshaped(input), 'product')
      if (!product || !isUsedOnce(at(node.inputs, i)) || sizeOf(input.shape) !== sizeOf(shape)) continue
      const own = at(product.outputs, 0).shape
      const more = taken(builder, node, own, epilogueOf(product), inputs[1 - i])
      if (!more) continue
      const [a, b] = [at(product.inputs, 0), at(product.inputs, 1)]
      return [builder.reshape(builder.product(a, b, own, more), shape)]
    }
    return undefined
  }
}

function unshaped(value: Value): Value {
  const reshape = madeBy(value, 'reshape')
  return reshape ? unshaped(at(reshape.inputs, 0)) : value
}

/** The epilogue with what an operation does to the product's result, if the order allows it. */
function taken(
  builder: GraphBuilder,
  { op, outputs }: Operation,
  own: readonly number[],
  epilogue: Required<Epilogue>,
  other: Value | undefined,
): Epilogue | undefined {
  const { alpha, bias, activation, residual } = epilogue
  if (residual) return undefined
  if (ACTIVATIONS.has(op)) return activation === 'none' ? { ...epilogue, activation: op } : undefined
  if (!other) return undefined
  const factor = scalarOf(other)
  if (op === 'multiply' && factor !== undefined) {
    // Two factors round twice.
    return bias || activation !== 'none' || alpha !== 1 ? undefined : { ...epilogue, alpha: factor }
  }
  if (op !== 'add') return undefined
  const { shape } = at(outputs, 0)
  const width = own.at(-1)
  const isRow = other.shape.at(-1) === width && sizeOf(other.shape) === width
  // Of a product of one row, too, what is one row whatever the batch: what follows is then the same as for many.
  const isOneForAll = isRow && (other.shape.length < shape.length || sizeOf(shape) !== width)
  if (isOneForAll && shape.at(-1) === width && !bias && activation === 'none') {
    return { ...epilogue, bias: builder.reshape(other, [width]) }
  }
  return sizeOf(other.shape) === sizeOf(own) ? { ...epilogue, residual: builder.reshape(other, own) } : undefined
}
