import * as tf from '@tensorflow/tfjs'
import fc from 'fast-check'

import { Siglip2VisionModel } from '../../src/models/siglip2/vision-model.js'
import { SiglipModel } from '../../src/models/siglip/modeling.js'
import { SiglipTextModel } from '../../src/models/siglip/text-model.js'
import { SiglipVisionModel } from '../../src/models/siglip/vision-model.js'
import { compile, type CompileOptions } from '../../src/jit/compile.js'
import type { Engine } from '../../src/jit/program/engine.js'
import { record } from '../../src/jit/record/recorder.js'
import { onEveryKernel } from '../backends.js'
import { tiny, tinyIds, tinyPixels, tinyText, tinyVision } from '../tiny-models.js'

const precisions = ['float32', 'bfloat16'] as const
type Precision = (typeof precisions)[number]
type Run = (...inputs: tf.Tensor[]) => readonly tf.Tensor[]
type Batches = (...inputs: tf.Tensor[]) => tf.Tensor

/** A function of batches as a program for the sizes at hand; gives the bits of each result. */
function compiled(
  engine: Engine,
  run: Run,
  inputs: readonly tf.Tensor[],
  precision: Precision,
  options: Omit<CompileOptions, 'precision'> = {},
): { readonly run: (inputs: readonly tf.Tensor[]) => Int32Array[]; readonly dispose: () => void } {
  const { graph, captures, returned } = record((given) => run(...given), inputs, engine.host)
  const executable = engine.compile(compile(graph, { precision, ...options }))
  const tensors = captures.map(({ tensor }) => tensor)
  return {
    run: (given) =>
      tf.tidy(() => {
        const results = executable.run(given, tensors)
        return returned.map((index) => bitsOf(results[index]))
      }),
    dispose: () => {
      executable.dispose()
    },
  }
}

function bitsOf(tensor: tf.Tensor | undefined): Int32Array {
  const values = tensor?.dataSync<'float32'>() ?? new Float32Array()
  return new Int32Array(values.slice().buffer)
}

const sample = (inputs: readonly tf.Tensor[], index: number): tf.Tensor[] =>
  inputs.map((x) => tf.slice(x, [index, ...x.shape.slice(1).map(() => 0)], [1, ...x.shape.slice(1)]))

/** The inputs with another value in all floats of one sample. */
function disturbed(inputs: readonly tf.Tensor[], index: number, value: number): tf.Tensor[] {
  return inputs.map((x) => {
    if (x.dtype !== 'float32') return x
    const values = Float32Array.from(x.dataSync<'float32'>())
    const size = tf.util.sizeFromShape(x.shape.slice(1))
    return tf.tensor(values.fill(value, index * size, (index + 1) * size), x.shape)
  })
}

/**
 * Expects the same bits of each sample alone on one thread and in the batch on one thread and two, with every set of kernels; and
 * still beside samples of NaN and of 1e30.
 */
function expectApart(engine: Engine, batches: Batches, inputs: readonly tf.Tensor[], precision: Precision): void {
  const run = (...given: tf.Tensor[]): tf.Tensor[] => [batches(...given)]
  const count = inputs[0]?.shape[0] ?? 0
  const given = [
    { beside: 'others', inputs },
    ...[NaN, 1e30].map((value) => ({ beside: String(value), inputs: disturbed(inputs, count >> 1, value) })),
  ]
  const one = compiled(engine, run, sample(inputs, 0), precision)
  const all = compiled(engine, run, inputs, precision)
  const { kernels, threads } = engine
  try {
    for (const set of engine.usable) {
      engine.setKernels(set)
      engine.setThreads(1)
      const alone = Array.from({ length: count }, (_, i) => one.run(sample(inputs, i))[0] ?? new Int32Array())
      for (const used of [1, 2]) {
        engine.setThreads(used)
        for (const { beside, inputs: batch } of given) {
          const together = all.run(batch)[0] ?? new Int32Array()
          const size = together.length / count
          alone.forEach((own, i) => {
            if (beside !== 'others' && i === count >> 1) return
            const found = together.subarray(i * size, (i + 1) * size)
            const differing = own.reduce((n, bits, k) => n + Number(bits !== found[k]), 0)
            const where = { set, used, beside, sample: i }
            expect({ ...where, length: found.length, differing }).toEqual({
              ...where,
              length: own.length,
              differing: 0,
            })
          })
        }
      }
    }
  } finally {
    one.dispose()
    all.dispose()
    engine.setKernels(kernels)
    engine.setThreads(threads)
  }
}

const normal = (shape: readonly number[], seed: number): tf.Tensor => tf.randomNormal([...shape], 0, 1, 'float32', seed)

const size = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.constantFrom(64, 65, 131))
const drawn = fc.record({
  count: fc.oneof(
    { weight: 4, arbitrary: fc.integer({ min: 2, max: 37 }) },
    { weight: 1, arbitrary: fc.constant(130) },
  ),
  rows: fc.integer({ min: 1, max: 3 }),
  k: fc.oneof({ weight: 4, arbitrary: size }, { weight: 1, arbitrary: fc.constantFrom(769, 1100) }),
  n: size,
  weightTransposed: fc.boolean(),
  precision: fc.constantFrom(...precisions),
})

onEveryKernel((engine) => {
  it('multiplies a row as if it were alone, for every size, layout and epilogue', () => {
    fc.assert(
      fc.property(drawn, ({ count, rows, k, n, weightTransposed, precision }) => {
        tf.tidy(() => {
          const w = tf.mul(normal(weightTransposed ? [n, k] : [k, n], 1), k ** -0.5)
          const bias = normal([n], 2)
          const layer: Batches = (x, residual) => {
            const product = tf.matMul(tf.reshape(x, [-1, k]), w, false, weightTransposed)
            return tf.add(tf.reshape(gelu(tf.add(product, bias)), residual.shape), residual)
          }
          expectApart(engine(), layer, [normal([count, rows, k], 3), normal([count, rows, n], 4)], precision)
        })
      }),
      { numRuns: 20 },
    )
  })

  const cuts = {
    'all sides are large': { count: 391, k: 520, n: 260 },
    'a great depth': { count: 9, k: 2500, n: 40 },
    'few columns': { count: 400, k: 300, n: 3 },
  }
  const cases = Object.entries(cuts).flatMap(([name, cut]) => precisions.map((precision) => ({ name, cut, precision })))
  it.each(cases)('multiplies a row as if it were alone where there are $name, in $precision', ({ cut, precision }) => {
    const { count, k, n } = cut
    const w = tf.variable(normal([n, k], 1) as tf.Tensor2D)
    // The last samples in full, so that what is cut anywhere is seen; alone they all would take too long.
    const x = normal([count, k], 2)
    const layer: Batches = (rows) => tf.matMul(rows, w, false, true)
    const { kernels, threads } = engine()
    for (const set of engine().usable) {
      engine().setKernels(set)
      const all = compiled(engine(), (rows) => [layer(rows)], [x], precision)
      const one = compiled(engine(), (rows) => [layer(rows)], sample([x], 0), precision)
      for (const used of [1, 2, 3]) {
        engine().setThreads(used)
        const [together = new Int32Array()] = all.run([x])
        for (const row of [0, 1, 2, count >> 1, (count >> 1) + 1, count - 2, count - 1]) {
          const [alone] = one.run(sample([x], row))
          const found = together.slice(row * n, (row + 1) * n)
          expect({ set, used, row, found }).toEqual({ set, used, row, found: alone })
        }
      }
      all.dispose()
      one.dispose()
    }
    engine().setKernels(kernels)
    engine().setThreads(threads)
    w.dispose()
  })

  const functions: Readonly<Record<string, { readonly run: Batches; readonly shapes: readonly number[][] }>> = {
    'layer norm': {
      run: (x) => {
        const centred = tf.sub(x, tf.mean(x, -1, true))
        const scale = tf.rsqrt(tf.add(tf.mean(tf.square(centred), -1, true), 1e-6))
        return tf.add(tf.mul(tf.mul(centred, scale), tf.linspace(0.5, 2, 45)), tf.linspace(-1, 1, 45))
      },
      shapes: [[7, 45]],
    },
    softmax: { run: (x) => tf.softmax(tf.mul(x, 3)), shapes: [[5, 70]] },
    'softmax of a long row': { run: (x) => tf.softmax(x), shapes: [[70_001]] },
    'unit length': { run: (x) => tf.div(x, tf.sqrt(tf.sum(tf.square(x), -1, true))), shapes: [[33]] },
    'quotients of a column': { run: (x, y) => tf.floor(tf.div(x, tf.add(tf.abs(y), 1))), shapes: [[19], [1]] },
    'means of tokens': { run: (x) => tf.mean(x, 1), shapes: [[197, 40]] },
    'means of places': { run: (x) => tf.mean(x, [1, 2]), shapes: [[21, 23, 5]] },
    'sums of everything': { run: (x) => tf.sum(x, [1, 2, 3]), shapes: [[13, 70, 9]] },
    'largest of tokens': { run: (x) => tf.max(x, 1), shapes: [[60, 11]] },
    'powers and logarithms': { run: (x, y) => tf.log1p(tf.pow(tf.abs(x), tf.sigmoid(y))), shapes: [[9, 4], [9, 4]] }, // prettier-ignore
    'batched products': {
      run: (x, y) => tf.matMul(x, y, false, true),
      shapes: [
        [20, 31],
        [9, 31],
      ],
    },
    attention: {
      run: (q, k, v) => tf.matMul(tf.softmax(tf.mul(tf.matMul(q, k, false, true), 0.25)), v),
      shapes: [
        [2, 37, 16],
        [2, 50, 16],
        [2, 50, 16],
      ],
    },
    'masked attention': {
      run: (q, k, v, mask) =>
        tf.matMul(tf.softmax(tf.add(tf.mul(tf.matMul(q, k, false, true), 0.25), tf.mul(mask, 20))), v),
      shapes: [
        [3, 1, 24],
        [3, 65, 24],
        [3, 65, 24],
        [1, 1, 65],
      ],
    },
    'a gelu of a product and a bias of one row': {
      run: (x, residual) => tf.add(gelu(tf.add(tf.matMul(x, normal([20, 30], 7)), normal([1, 30], 8))), residual),
      shapes: [[20], [30]],
    },
    'a gelu of a product and a residual without bias': {
      run: (x, residual) => gelu(tf.add(tf.matMul(x as tf.Tensor2D, tf.ones([20, 30])), residual)),
      shapes: [[20], [30]],
    },
  }
  const named = Object.entries(functions).flatMap(([name, made]) => [2, 5].map((count) => ({ name, count, ...made })))
  it.each(named)('computes $name of a sample as if it were alone, in a batch of $count', ({ run, shapes, count }) => {
    const inputs = shapes.map((shape, i) => normal([count, ...shape], i + 1))
    for (const precision of precisions) expectApart(engine(), run, inputs, precision)
  })

  const naflex = (count: number): tf.Tensor[] => {
    const shapes = Array.from({ length: count }, (_, i) => [1 + (i % 3), 1 + (i % 4)] as const)
    return [
      normal([count, 12, 48], 1),
      tf.tensor2d(shapes.map(([rows, columns]) => Array.from({ length: 12 }, (_, i) => Number(i < rows * columns))), undefined, 'int32'), // prettier-ignore
      tf.tensor2d(shapes.map((shape) => [...shape]), undefined, 'int32'), // prettier-ignore
    ]
  }
  const models: Readonly<
    Record<string, () => { readonly run: Batches; readonly inputs: (count: number) => tf.Tensor[] }>
  > = {
    SiglipVisionModel() {
      const model = new SiglipVisionModel({ ...tinyVision, hiddenSize: 36, intermediateSize: 70 }, { seed: 1 })
      return {
        run: (pixelValues) => model.forward({ pixelValues: pixelValues }).poolerOutput ?? pixelValues,
        inputs: (count) => [tinyPixels(count)],
      }
    },
    Siglip2VisionModel() {
      const model = new Siglip2VisionModel({ ...tinyVision, numPatches: 16 }, { seed: 1 })
      return {
        run: (pixelValues, pixelAttentionMask, spatialShapes) =>
          model.forward({
            pixelValues: pixelValues,
            pixelAttentionMask: pixelAttentionMask,
            spatialShapes: spatialShapes,
          }).poolerOutput ?? pixelValues,
        inputs: naflex,
      }
    },
    SiglipTextModel() {
      const model = new SiglipTextModel({ ...tinyText, projectionSize: 20 }, { seed: 1 })
      return {
        run: (inputIds) => model.forward({ inputIds: inputIds }).poolerOutput,
        inputs: (count) => [tinyIds(count)],
      }
    },
  }
  const families = Object.entries(models).flatMap(([name, make]) => [2, 3, 7].map((count) => ({ name, count, make })))
  it.each(families)('embeds with $name as if each of $count inputs were alone', ({ make, count }) => {
    const { run, inputs } = make()
    for (const precision of precisions) expectApart(engine(), run, inputs(count), precision)
  })

  it('gives each pair its logit whatever the others are, in bfloat16 too', () => {
    const [images, texts, width] = [300, 400, 160] // together more than is small
    const tower = (x: tf.Tensor): tf.Tensor => tf.tanh(x)
    const logits = (x: tf.Tensor, y: tf.Tensor): tf.Tensor[] => [tf.matMul(tower(x), tower(y), false, true)]
    const [x, y] = [normal([images, width], 1), normal([texts, width], 2)]
    const [together = new Int32Array()] = compiled(engine(), logits, [x, y], 'bfloat16').run([x, y])
    const one = compiled(engine(), logits, [...sample([x], 0), y], 'bfloat16')
    const pair = compiled(engine(), logits, sample([x, y], 0), 'bfloat16')
    for (const i of [0, 7, 299]) {
      expect(one.run([...sample([x], i), y])[0]).toEqual(together.slice(i * texts, (i + 1) * texts))
      expect(pair.run([...sample([x], i), ...sample([y], i)])[0]?.[0]).toBe(together[i * texts + i])
    }
  })

  const activations: Readonly<Record<string, (x: tf.Tensor) => tf.Tensor>> = {
    geluTanh: gelu,
    gelu: (x) => tf.mul(tf.mul(0.5, x), tf.add(1, tf.erf(tf.mul(x, Math.SQRT1_2)))),
    silu: (x) => tf.mul(x, tf.sigmoid(x)),
    quickGelu: (x) => tf.mul(x, tf.sigmoid(tf.mul(1.702, x))),
    relu: (x) => tf.relu(x),
  }
  it.each(Object.entries(activations))('rounds a fused %s as it does one that is not', (_name, activation) => {
    const [x, w, bias, residual] = [normal([60, 40], 1), normal([40, 50], 2), normal([50], 3), normal([60, 50], 4)]
    const layer = (...[x, w, bias, residual]: tf.Tensor[]): tf.Tensor[] => {
      if (!x || !w || !bias || !residual) return []
      return [tf.add(activation(tf.add(tf.mul(tf.matMul(x, w), 0.7), bias)), residual)]
    }
    const inputs = [x, w, bias, residual]
    const [fused, apart] = [[], ['epilogues'] as const].map((without) =>
      compiled(engine(), layer, inputs, 'float32', { without }),
    )
    const { kernels } = engine()
    for (const set of engine().usable) {
      engine().setKernels(set)
      expect({ set, found: fused?.run(inputs) }).toEqual({ set, found: apart?.run(inputs) })
    }
    engine().setKernels(kernels)
  })

  it.each(precisions)('sums gradients up in the same order on any number of threads, in %s', (precision) => {
    const model = new SiglipModel(tiny, { seed: 1, logits: 'paper' })
    const inputs = [tinyIds(40), tinyPixels(40)]
    const step = (inputIds?: tf.Tensor, pixelValues?: tf.Tensor): readonly tf.Tensor[] => {
      const { value, grads } = tf.variableGrads(() => {
        const { loss } = model.forward({ inputIds, pixelValues } as Parameters<typeof model.forward>[0], { returnLoss: true }) // prettier-ignore
        return (loss ?? tf.scalar(NaN)).asScalar()
      })
      return [value, ...Object.values(grads)]
    }
    expectSameOnThreads(engine(), step, inputs, precision)
  })

  const sums: Readonly<Record<string, (x: tf.Tensor) => tf.Tensor[]>> = {
    'all rows': (x) => [tf.sum(x, [0, 1])],
    samples: (x) => [tf.sum(x, 0)],
    tokens: (x) => [tf.sum(x, 1)],
    'rows of each column, and tokens': (x) => [tf.sum(tf.exp(x), [0, 1]), tf.sum(tf.exp(x), 1), tf.exp(x)],
    'rows of what a row is divided by': (x) => [tf.sum(tf.div(x, tf.sum(tf.abs(x), -1, true)), [0, 1])],
    everything: (x) => [tf.sum(tf.square(x))],
    'everything, in a row': (x) => [tf.sum(tf.square(tf.reshape(x, [-1])))],
  }
  it.each(Object.entries(sums))('sums %s up in the same order on any number of threads', (_name, run) => {
    for (const shape of [
      [37, 50, 96],
      [2, 700, 40],
      [4, 3, 20_000],
    ]) {
      expectSameOnThreads(engine(), run, [normal(shape, 1)], 'float32')
    }
  })
})

/** Expects the same bits of all results on one to four threads, with every set of kernels, and sums as TensorFlow has them. */
function expectSameOnThreads(engine: Engine, run: Run, inputs: readonly tf.Tensor[], precision: Precision): void {
  const all = compiled(engine, run, inputs, precision)
  const { kernels, threads } = engine
  try {
    for (const set of engine.usable) {
      engine.setKernels(set)
      const results = [1, 2, 3, 4].map((used) => {
        engine.setThreads(used)
        return all.run(inputs)
      })
      results.forEach((found, i) => {
        const differing = found.map((bits, k) => bits.reduce((n, b, j) => n + Number(b !== results[0]?.[k]?.[j]), 0))
        expect({ set, threads: i + 1, differing }).toEqual({ set, threads: i + 1, differing: found.map(() => 0) })
      })
    }
  } finally {
    all.dispose()
    engine.setKernels(kernels)
    engine.setThreads(threads)
  }
}

/** As src/layers/activation.ts writes it. */
function gelu(x: tf.Tensor): tf.Tensor {
  const inner = tf.mul(Math.sqrt(2 / Math.PI), tf.add(x, tf.mul(0.044715, tf.mul(x, tf.square(x)))))
  return tf.mul(tf.mul(0.5, x), tf.add(1, tf.tanh(inner)))
}
