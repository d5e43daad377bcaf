import * as tf from '@tensorflow/tfjs'
import { type Graph, nodesOf } from '../../../src/jit/graph.js'
import { record } from '../../../src/jit/record/recorder.js'
import type { SiglipModel } from '../../../src/models/siglip/modeling.js'
import { onEngine } from '../../backends.js'
import { family, tinyIds, tinyPixels } from '../../tiny-models.js'

const written = ({ results }: Graph): unknown[] =>
  nodesOf(results).map(({ kind, outputs, ...node }) => [
    kind,
    'op' in node ? [node.op, node.attributes, node.inputs.map(({ shape }) => shape)] : [],
    outputs.map(({ shape, dtype }) => [dtype, shape]),
  ])

onEngine((engine) => {
  it('tells what running tells: a model’s loss and gradients', () => {
    const model = family[0]!.make() as SiglipModel
    const inputs = [tinyIds(), tinyPixels()]
    const gradients = ([inputIds, pixelValues]: readonly tf.Tensor[]): tf.Tensor[] => {
      const loss = (): tf.Scalar =>
        model.forward({ inputIds: inputIds!, pixelValues: pixelValues! }, { returnLoss: true }).loss!
      const { value, grads } = tf.variableGrads(loss)
      return [value, ...Object.values(grads)]
    }
    expect(written(record(gradients, inputs, engine().host).graph)).toEqual(written(record(gradients, inputs).graph))
    model.dispose()
  })

  it.each<readonly [string, (x: tf.Tensor2D) => tf.Tensor | tf.Tensor[]]>([
    ['reductions', (x) => [tf.mean(x, 0), tf.max(x), tf.argMax(x, 1), tf.all(tf.greater(x, 0), 1, true)]],
    [
      'shapes',
      (x) => [
        tf.stack([x, x], 1),
        ...tf.split(x, [1, 3], 1),
        tf.pad(x, [
          [1, 0],
          [0, 2],
        ]),
        tf.tile(x, [2, 3]),
      ],
    ],
    ['slices', (x) => [tf.slice(x, [1, 1], [-1, 2]), tf.stridedSlice(x, [0, 0], [3, 4], [2, 2]), tf.reverse(x, 0)]],
    ['lookups', (x) => [tf.gather(x, [2, 0]), tf.oneHot(tf.tensor1d([0, 2], 'int32'), 3), tf.topk(x, 2).values]],
    ['images', (x) => tf.conv2d(tf.reshape<tf.Rank.R4>(x, [1, 3, 4, 1]), tf.ones([2, 2, 1, 5]), 1, 'same')],
    ['sums of products', (x) => tf.einsum('ij,kj->ik', x, x)],
  ])('tells what running tells: %s', (_name, fn) => {
    const run = ([x]: readonly tf.Tensor[]): tf.Tensor[] => [fn(x as tf.Tensor2D)].flat()
    const x = tf.ones([3, 4])
    expect(written(record(run, [x], engine().host).graph)).toEqual(written(record(run, [x]).graph))
  })

  it('says what TensorFlow says of what cannot be', () => {
    const wrong = ([x = tf.scalar(0)]: readonly tf.Tensor[]): tf.Tensor[] => [tf.concat([x, tf.ones([5, 5])])]
    expect(() => record(wrong, [tf.ones([3, 4])], engine().host)).toThrow(/4.*5.*shape-inference\.test/)
    const unknown = ([x = tf.scalar(0)]: readonly tf.Tensor[]): tf.Tensor[] => [
      tf.fill([2, 2], 1),
      tf.unique(x as tf.Tensor1D).values,
    ]
    expect(() => record(unknown, [tf.ones([3])], engine().host)).toThrow(/depends on the values/)
  })

  it('refuses wrong use without harm', () => {
    const graph = engine().shapeGraph()
    const type = { name: 'T', type: 4, value: 1 }
    const x = graph.input(1, [2, 3], 0)
    expect(() => graph.operation('Neg', [type], [x + 1], 1)).toThrow(/no tensor 1/)
    expect(() => graph.operation('NoSuchOperation', [type], [x], 1)).toThrow(/NoSuchOperation/)
    expect(() => graph.operation('Pack', [type, { name: 'N', type: 1, value: 2 }], [x], 1)).toThrow(/fewer inputs/)
    expect(() => graph.operation('Neg', [type], [x], 2)).toThrow(/fewer results/)
    expect(() => graph.operation('Neg', [{ name: 'T', type: 4, value: 'x' }], [x], 1)).toThrow(
      /T is not what the engine takes/,
    )
    expect(() => graph.constant(1, [3], new Float32Array(2))).toThrow(/fill the shape/)
    expect(() => graph.constant(1, [2], 'values')).toThrow(/values is not what the engine takes/)
    expect(graph.operation('Neg', [type], [x], 1)).toEqual([
      { id: expect.any(Number) as number, shape: [2, 3], dtype: 1 },
    ])
    graph.dispose()
    graph.dispose()
    expect(() => graph.input(1, [], 0)).toThrow(/disposed/)
  })
})
