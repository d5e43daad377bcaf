import { GraphBuilder, madeBy, rewrite, type Rule } from '../../../src/jit/graph-builder.js'
import { type Argument, type Graph, type Value } from '../../../src/jit/graph.js'
import { activations } from '../../../src/jit/rewrites/activations.js'
import { attention } from '../../../src/jit/rewrites/attention.js'
import { epilogues } from '../../../src/jit/rewrites/epilogues.js'
import { pads } from '../../../src/jit/rewrites/pads.js'

let builder: GraphBuilder

beforeEach(() => {
  builder = new GraphBuilder()
})

function argument(shape: readonly number[]): Value {
  const outputs: Value[] = []
  const node: Argument = { kind: 'argument', index: 0, outputs }
  const value: Value = { node, output: 0, shape, dtype: 'float32' }
  outputs.push(value)
  return value
}

/** What a rule makes of results. */
function rewritten(
  rule: (builder: GraphBuilder, graph: Graph) => Rule,
  ...results: readonly Value[]
): readonly Value[] {
  const graph: Graph = { arguments: [], captures: [], results }
  return rewrite(graph, builder, rule(builder, graph)).results
}

const times = (x: Value, y: Value | number): Value =>
  builder.elementwise('multiply', x, typeof y === 'number' ? builder.scalar(y) : y)
const plus = (x: Value, y: Value | number): Value =>
  builder.elementwise('add', x, typeof y === 'number' ? builder.scalar(y) : y)
const op = (name: string, x: Value): Value => builder.elementwise(name, x)

it('makes once what is asked for twice', () => {
  const x = argument([2, 3])
  expect(times(op('tanh', x), 2)).toBe(times(op('tanh', x), 2))
  expect(plus(x, 0)).not.toBe(x) // −0 + 0 is 0
  expect(plus(x, -0)).toBe(x)
  expect(times(x, 1)).toBe(x)
  expect(builder.reshape(builder.reshape(x, [6]), [2, 3])).toBe(x)
  expect(builder.transpose(builder.transpose(x, [1, 0]), [1, 0])).toBe(x)
  expect(times(builder.scalar(3), builder.scalar(0))).not.toBe(times(builder.scalar(3), builder.scalar(-0)))
})

it('computes before it repeats', () => {
  const repeated = builder.broadcast(argument([3, 1]), [3, 4])
  expect(madeBy(op('exp', repeated), 'broadcast')?.inputs[0]?.shape).toEqual([3, 1])
  expect(op('exp', repeated).shape).toEqual([3, 4])
})

it.each(['gelu', 'geluTanh', 'silu', 'quickGelu'])('recognizes %s however it is written', (name) => {
  const x = argument([2, 3])
  const cube = times(times(op('square', x), x), 0.044715)
  const forms: Record<string, readonly Value[]> = {
    gelu: [times(times(x, 0.5), plus(op('erf', times(x, Math.SQRT1_2)), 1))],
    geluTanh: [
      times(plus(op('tanh', times(plus(cube, x), Math.sqrt(2 / Math.PI))), 1), times(builder.scalar(0.5), x)),
      times(
        times(x, 0.5),
        plus(op('tanh', times(times(x, 0.7978845608), plus(times(op('square', x), 0.044715), 1))), 1),
      ),
    ],
    silu: [times(x, op('sigmoid', x)), times(op('sigmoid', x), x)],
    quickGelu: [times(op('sigmoid', times(builder.scalar(1.702), x)), x)],
  }
  for (const form of forms[name]!) expect(madeBy(rewritten(activations, form)[0], name)?.inputs).toEqual([x])
})

it('takes nothing similar for an activation', () => {
  const [x, y] = [argument([2, 3]), argument([2, 3])]
  const others = [times(y, op('sigmoid', x)), times(times(x, 0.5), plus(op('erf', times(x, 0.7)), 1))]
  for (const other of others) expect(rewritten(activations, other)).toEqual([other])
})

describe('epilogues', () => {
  const product = (): Value => builder.product(argument([6, 4]), argument([4, 5]), [6, 5])

  it('take scale, bias, activation and residual in this order, through reshapes', () => {
    const scaled = times(product(), 0.5)
    const biased = builder.reshape(plus(scaled, argument([5])), [2, 3, 5])
    const result = plus(argument([2, 3, 5]), op('gelu', biased))
    const [found] = rewritten(epilogues, result)
    const step = madeBy(madeBy(found, 'reshape')?.inputs[0], 'product')
    expect(step?.inputs.map(({ shape }) => shape)).toEqual([[6, 4], [4, 5], [5], [6, 5]])
    expect(step?.attributes).toMatchObject({ alpha: { float: 0.5 }, activation: { string: 'gelu' } })
  })

  it('leave what is needed elsewhere, too', () => {
    const biased = plus(product(), argument([5]))
    const [activated, kept] = rewritten(epilogues, op('relu', biased), biased)
    expect(madeBy(activated, 'relu')?.inputs[0]).toBe(kept)
    expect(madeBy(kept, 'product')?.inputs).toHaveLength(3)
  })

  it('add no bias after an activation', () => {
    const [result] = rewritten(epilogues, plus(op('relu', product()), argument([5])))
    expect(madeBy(result, 'add')).toBeDefined()
  })
})

describe('attention', () => {
  const heads = (length: number): Value => argument([2, 3, length, 4])
  const scores = (): Value => builder.product(heads(5), builder.transpose(heads(6), [0, 1, 3, 2]), [2, 3, 5, 6])

  it('is recognized with scale and mask', () => {
    const masked = plus(times(scores(), 0.25), argument([2, 1, 1, 6]))
    const [result] = rewritten(attention, builder.product(builder.softmax(masked), heads(6), [2, 3, 5, 4]))
    const step = madeBy(result, 'attention')
    expect(step?.inputs.map(({ shape }) => shape)).toEqual([
      [2, 3, 5, 4],
      [2, 3, 6, 4],
      [2, 3, 6, 4],
      [2, 3, 5, 6],
    ])
    expect(step?.attributes).toEqual({ scale: { float: 0.25 } })
  })

  it('is left as it is where the probabilities are needed', () => {
    const probabilities = builder.softmax(scores())
    const [result] = rewritten(attention, builder.product(probabilities, heads(6), [2, 3, 5, 4]), probabilities)
    expect(madeBy(result, 'product')).toBeDefined()
  })
})

it('puts side by side what is padded to be added', () => {
  const pad = (part: Value, before: readonly number[]): Value =>
    builder.operation('pad', [part, builder.scalar(0)], [6, 5], 'float32', { before: { ints: before } })
  const [a, b, c] = [argument([1, 5]), argument([3, 5]), argument([2, 5])]
  const [result] = rewritten(pads, plus(plus(pad(c, [4, 0]), pad(b, [1, 0])), pad(a, [0, 0])))
  expect(madeBy(result, 'concat')?.inputs).toEqual([a, b, c])
  const overlapping = plus(pad(b, [0, 0]), pad(c, [2, 0]))
  expect(rewritten(pads, overlapping)).toEqual([overlapping])
})
