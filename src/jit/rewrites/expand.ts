import { at, type ComposedActivation, type GraphBuilder, type Rule } from '../graph-builder.js'
import type { Value } from '../graph.js'
import { CUBIC, ROOT } from './activations.js'

/** Rewrites what no other step covers, softmax and composed activations, as fused elementwise operations. */
export function expand(builder: GraphBuilder): Rule {
  return (node, inputs) => {
    const formula = formulaOf.get(node.op)
    return formula && [formula(builder, at(inputs, 0))]
  }
}

type Formula = (builder: GraphBuilder, x: Value) => Value

/** What src/layers/activation.ts writes. */
const formulas: Readonly<Record<ComposedActivation | 'softmax', Formula>> = {
  softmax(builder, x) {
    const last = [x.shape.length - 1]
    const powers = builder.elementwise('exp', builder.elementwise('subtract', x, builder.reduce('max', x, last)))
    return builder.elementwise(
      'multiply',
      powers,
      builder.elementwise('reciprocal', builder.reduce('sum', powers, last)),
    )
  },
  /** (1 + tanh u)/2 is sigmoid(2u): fewer operations. */
  geluTanh(builder, x) {
    const cubic = builder.elementwise('multiply', builder.scalar(2 * ROOT * CUBIC), builder.elementwise('square', x))
    const factor = builder.elementwise('add', builder.scalar(2 * ROOT), cubic)
    return builder.elementwise(
      'multiply',
      x,
      builder.elementwise('sigmoid', builder.elementwise('multiply', x, factor)),
    )
  },
  gelu: (builder, x) =>
    half(builder, x, builder.elementwise('erf', builder.elementwise('multiply', x, builder.scalar(Math.SQRT1_2)))),
  silu: (builder, x) => builder.elementwise('multiply', x, builder.elementwise('sigmoid', x)),
  quickGelu(builder, x) {
    const gate = builder.elementwise('sigmoid', builder.elementwise('multiply', builder.scalar(1.702), x))
    return builder.elementwise('multiply', x, gate)
  },
}

const formulaOf: ReadonlyMap<string, Formula> = new Map(Object.entries(formulas))

/** x/2 · (1 + y) */
function half(builder: GraphBuilder, x: Value, y: Value): Value {
  const halved = builder.elementwise('multiply', builder.scalar(0.5), x)
  return builder.elementwise('multiply', halved, builder.elementwise('add', builder.scalar(1), y))
}
