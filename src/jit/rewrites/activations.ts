import { at, type GraphBuilder, madeBy, type Rule, scalarOf } from '../graph-builder.js'
import type { Value } from '../graph.js'

/** Recognizes activations that a product can apply to its sums, however src/layers/activation.ts writes them. */
export function activations(builder: GraphBuilder): Rule {
  return (node, inputs) => {
    if (node.op !== 'multiply') return undefined
    for (const [first, second] of bothWays(inputs)) {
      const found = recognized(first, second)
      if (found) return [builder.elementwise(found.activation, found.x)]
    }
    return undefined
  }
}

interface Found {
  readonly activation: string
  readonly x: Value
}

/** An activation of which the two values are the factors. */
function recognized(first: Value, second: Value): Found | undefined {
  const gate = madeBy(second, 'sigmoid')?.inputs[0]
  if (gate === first) return { activation: 'silu', x: first }
  if (gate && scaled(gate, 1.702) === first) return { activation: 'quickGelu', x: first }
  const x = scaled(first, 0.5)
  const inner = plus(second, 1)
  if (!x || !inner) return undefined
  const erf = madeBy(inner, 'erf')?.inputs[0]
  if (erf && scaled(erf, Math.SQRT1_2) === x) return { activation: 'gelu', x }
  const tanh = madeBy(inner, 'tanh')?.inputs[0]
  return tanh && isTanhGelu(tanh, x) ? { activation: 'geluTanh', x } : undefined
}

export const ROOT = Math.sqrt(2 / Math.PI)
export const CUBIC = 0.044715

/** Whether a value is √(2/π) · (x + 0.044715 x³). */
function isTanhGelu(value: Value, x: Value): boolean {
  const sum = scaled(value, ROOT)
  if (sum) return pairs(sum, 'add').some(([first, second]) => first === x && isCube(scaled(second, CUBIC), x))
  return pairs(value, 'multiply').some(([first, second]) => {
    const squared = plus(second, 1)
    return scaled(first, ROOT) === x && squared !== undefined && isSquare(scaled(squared, CUBIC), x)
  })
}

const isSquare = (value: Value | undefined, x: Value): boolean => madeBy(value, 'square')?.inputs[0] === x

const isCube = (value: Value | undefined, x: Value): boolean =>
  pairs(value, 'multiply').some(([first, second]) => first === x && isSquare(second, x))

function bothWays(inputs: readonly Value[]): readonly (readonly [Value, Value])[] {
  const [a, b] = [at(inputs, 0), at(inputs, 1)]
  return [
    [a, b],
    [b, a],
  ]
}

/** The operands of an operation for which the order says nothing, both ways round. */
function pairs(value: Value | undefined, op: string): readonly (readonly [Value, Value])[] {
  const node = madeBy(value, op)
  return node ? bothWays(node.inputs) : []
}

/** What a value is `factor` times. */
const scaled = (value: Value, factor: number): Value | undefined => withNumber(value, 'multiply', factor)

/** What a value is `summand` more than. */
const plus = (value: Value, summand: number): Value | undefined => withNumber(value, 'add', summand)

function withNumber(value: Value, op: string, number: number): Value | undefined {
  return pairs(value, op).find(([first]) => isAbout(scalarOf(first), number))?.[1]
}

/** As near as numbers of float32, or of the seven digits that transformers writes, can be. */
const isAbout = (found: number | undefined, number: number): boolean =>
  found !== undefined && Math.abs(found - number) <= 1e-7 * number
