import { at, type GraphBuilder, madeBy, type Rule, sameShape, scalarOf, usesOf } from '../graph-builder.js'
import type { Graph, Value } from '../graph.js'

/** Makes one step of softmax(scale · q·kᵀ + mask)·v wherever nothing else needs the probabilities. */
export function attention(builder: GraphBuilder, graph: Graph): Rule {
  const uses = usesOf(graph)
  return (node, inputs) => {
    if (node.op !== 'product') return undefined
    const [v, { shape }] = [at(inputs, 1), at(node.outputs, 0)]
    const found = softmaxOf(at(inputs, 0), at(node.inputs, 0), (value) => uses.get(value) === 1)
    if (!found || shape.length !== 4) return undefined
    const { q, keys, mask, scale } = found
    const k = builder.transpose(keys, [0, 1, 3, 2])
    const size = at(shape, 3)
    const [scores, wide] = [
      [...shape.slice(0, 3), at(k.shape, 2)],
      [...shape.slice(0, 2), at(k.shape, 2), size],
    ]
    if (q.shape.length !== 4 || q.shape[3] !== size || k.shape[3] !== size) return undefined
    const operands = [builder.broadcast(q, shape), builder.broadcast(k, wide), builder.broadcast(v, wide)]
    if (mask) operands.push(builder.broadcast(mask, scores))
    return [builder.operation('attention', operands, shape, 'float32', { scale: { float: scale } })]
  }
}

interface Scores {
  readonly q: Value
  /** kᵀ */
  readonly keys: Value
  readonly scale: number
  readonly mask?: Value
}

/** What a softmax is made of; `before` is the same value before rewriting, by which uses are known. */
function softmaxOf(value: Value, before: Value, isUsedOnce: (value: Value) => boolean): Scores | undefined {
  const [softmax, old] = [madeBy(value, 'softmax'), madeBy(before, 'softmax')]
  if (!softmax || !old || !isUsedOnce(before) || !isUsedOnce(at(old.inputs, 0))) return undefined
  return scoresOf(at(softmax.inputs, 0), at(old.inputs, 0), isUsedOnce)
}

/** What scores are scaled and masked by at most, operation by operation. */
const MAX_OPERATIONS = 8

function scoresOf(
  value: Value,
  before: Value,
  isUsedOnce: (value: Value) => boolean,
  operations = MAX_OPERATIONS,
): Scores | undefined {
  const product = madeBy(value, 'product')
  if (product) return { q: at(product.inputs, 0), keys: at(product.inputs, 1), scale: 1 }
  const { node } = value
  const old = before.node
  if (node.kind !== 'operation' || old.kind !== 'operation' || (node.op !== 'multiply' && node.op !== 'add')) {
    return undefined
  }
  if (operations === 0) return undefined
  for (const [i, other] of [at(node.inputs, 1), at(node.inputs, 0)].entries()) {
    const [inner, was] = [at(node.inputs, i), at(old.inputs, i)]
    if (!isUsedOnce(was) || !sameShape(inner.shape, value.shape)) continue
    const factor = scalarOf(other)
    if (node.op === 'multiply' && factor === undefined) continue
    const found = scoresOf(inner, was, isUsedOnce, operations - 1)
    if (!found || found.mask) continue
    return node.op === 'add' ? { ...found, mask: other } : { ...found, scale: found.scale * (factor ?? 1) }
  }
  return undefined
}
