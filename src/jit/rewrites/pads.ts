import { at, type GraphBuilder, intsOf, madeBy, numberOf, type Rule, scalarOf } from '../graph-builder.js'
import type { Value } from '../graph.js'

/**
 * What is padded with zeros to be added to what is padded on the other side, as gradients of slices are, is put side by side
 * instead.
 */
export function pads(builder: GraphBuilder): Rule {
  return (node, inputs) => {
    if (node.op !== 'add') return undefined
    const { shape } = at(node.outputs, 0)
    const parts = inputs.map(paddedOf)
    for (const [i, first] of parts.entries()) {
      const second = parts[1 - i]
      if (!first || !second) continue
      const axis = sideBySide(first, second)
      if (axis === undefined) continue
      const both = [first.part, second.part].flatMap((part) => partsAlong(part, axis))
      const joined = first.part.shape.map((size, d) => (d === axis ? size + at(second.part.shape, d) : size))
      const value = builder.operation('concat', both, joined, 'float32', { axis: { int: axis } })
      if (joined.every((size, d) => size === shape[d])) return [value]
      const before = { ints: first.before }
      return [builder.operation('pad', [value, builder.scalar(0)], shape, 'float32', { before })]
    }
    return undefined
  }
}

interface Padded {
  readonly part: Value
  readonly before: readonly number[]
}

function paddedOf(value: Value): Padded | undefined {
  const pad = madeBy(value, 'pad')
  if (!pad || scalarOf(pad.inputs[1]) !== 0) return undefined
  return { part: at(pad.inputs, 0), before: intsOf(pad, 'before') }
}

/** The dimension in which the second follows at the first's end; in all others they begin and end together. */
function sideBySide(first: Padded, second: Padded): number | undefined {
  const apart = first.before.flatMap((begin, d) => (begin === second.before[d] ? [] : [d]))
  const [axis] = apart
  if (axis === undefined || apart.length > 1) return undefined
  const alike = first.part.shape.every((size, d) => d === axis || size === second.part.shape[d])
  return alike && at(first.before, axis) + at(first.part.shape, axis) === second.before[axis] ? axis : undefined
}

function partsAlong(value: Value, axis: number): readonly Value[] {
  const concat = madeBy(value, 'concat')
  return concat && numberOf(concat, 'axis', -1) === axis ? concat.inputs : [value]
}
