import { describe as describeProgram } from '../../../src/jit/program/describe.js'
import { GraphBuilder } from '../../../src/jit/graph-builder.js'
import type { Argument, Value } from '../../../src/jit/graph.js'
import { NO_VARIABLES } from '../../../src/jit/graph.js'
import { lower } from '../../../src/jit/lowering/lower.js'

function argument(index: number, shape: readonly number[]): Value {
  const outputs: Value[] = []
  const node: Argument = { kind: 'argument', index, outputs }
  const value: Value = { node, output: 0, shape, dtype: 'float32' }
  outputs.push(value)
  return value
}

it('says each step in a line', () => {
  const builder = new GraphBuilder()
  const [x, weight, bias] = [argument(0, [6, 4]), argument(1, [4, 5]), argument(2, [5])]
  const product = builder.product(builder.elementwise('tanh', x), weight, [6, 5], { bias, activation: 'gelu' })
  const graph = { arguments: [], captures: [], results: [builder.transpose(product, [1, 0])] }
  const program = lower(graph, { precision: 'bfloat16', variables: NO_VARIABLES })
  expect(describeProgram(program)).toBe(
    [
      '3 steps, 0.0 MB',
      '0 elementwise [24] arena 3 bf16[24] = argument 0 f32[24]: tanh (2 slots)',
      '1 product bfloat16 arena 4 f32[6,5] = arena 3 bf16[6,4] × argument 1 f32[4,5] + bias argument 2 f32[5] gelu',
      '2 copy result 5 f32[5,6] = arena 4 f32[5,6]',
    ].join('\n'),
  )
})
