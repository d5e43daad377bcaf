import * as tf from '@tensorflow/tfjs'
import { SiglipModel } from '../../src/models/siglip/modeling.js'
import { SiglipVisionModel } from '../../src/models/siglip/vision-model.js'
import { useBackend } from '../../src/backend/backend-node.js'
import { compile } from '../../src/jit/compile.js'
import { NO_VARIABLES } from '../../src/jit/graph.js'
import { record } from '../../src/jit/record/recorder.js'
import type { Executable } from '../../src/jit/record/recorded-function.js'
import { deviation, namedOutputs } from '../fixture.js'
import { described, faultOf, type Machine } from '../fuzz/jit/check.js'
import { generate } from '../fuzz/jit/generate.js'
import { sourceOf } from '../fuzz/jit/program.js'
import { subjectOf } from '../fuzz/jit/run.js'
import { tiny, tinyIds, tinyPixels } from '../tiny-models.js'
import { plainEngine } from './graph-runner.js'
import { runProgram } from './program-runner.js'

beforeAll(async () => {
  await useBackend('native', { quiet: true })
})

let weight: tf.Variable

beforeAll(() => {
  weight = tf.variable(tf.randomNormal([3, 5], 0, 1, 'float32', 1), true, 'weight')
})

type Run = (...inputs: tf.Tensor[]) => readonly tf.Tensor[]

const compiled = (run: Run, inputs: readonly tf.Tensor[], precision: 'float32' | 'bfloat16' = 'float32') => {
  const { graph, captures, returned } = record((given) => run(...given), inputs, plainEngine.host)
  const tensors = captures.map(({ tensor }) => tensor)
  return { program: compile(graph, { precision }), tensors, returned }
}

/** The largest deviation of a compiled function from the function. */
function compiledDeviation(run: Run, ...inputs: readonly tf.Tensor[]): number {
  return tf.tidy(() => {
    const { program, tensors, returned } = compiled(run, inputs)
    const results = runProgram(program, inputs, tensors)
    const errors = run(...inputs).map((expected, i) => deviation(results[returned[i]!]!, expected))
    return Math.max(...errors)
  })
}

/** Every array that a model gives. */
const outputs = (model: SiglipModel): Run => {
  return (inputIds, pixelValues) => [...namedOutputs(model.forward({ inputIds, pixelValues })).values()]
}

/** A model's loss and what it changes with. */
const gradients = (model: SiglipModel): Run => {
  return (inputIds, pixelValues) => {
    const { value, grads } = tf.variableGrads(() => {
      const { loss } = model.forward({ inputIds, pixelValues }, { returnLoss: true })
      return tf.scalar(0).add(loss!)
    })
    return [value, ...Object.values(grads)]
  }
}

it.each(['gelu_pytorch_tanh', 'gelu', 'silu', 'quick_gelu', 'relu', 'gelu_fast', 'leaky_relu', 'mish'])(
  'gives what a model with %s gives, and its gradients',
  (hiddenAct) => {
    const textConfig = { ...tiny.textConfig, hiddenAct }
    const model = new SiglipModel({ textConfig, visionConfig: { ...tiny.visionConfig, hiddenAct } }, { seed: 1 })
    expect(compiledDeviation(outputs(model), tinyIds(), tinyPixels())).toBeLessThan(1e-5)
    expect(compiledDeviation(gradients(model), tinyIds(), tinyPixels())).toBeLessThan(1e-5)
  },
)

/** Programs run by a plain interpreter: what is wrong then is wrong before the engine. */
const interpreter: Machine = {
  engine: (precision) => ({
    host: plainEngine.host,
    compile(graph, variables) {
      const program = compile(graph, { precision, variables })
      const run: Executable['run'] = (args, captures) => runProgram(program, args, captures)
      const start: Executable['start'] = (...given) => ({
        ended: Promise.resolve(),
        finish: () => run(given[0], given[1]),
      })
      return { run, start, dispose: () => undefined }
    },
  }),
  targets: [{ name: 'interpreter', choose: () => undefined }],
}

it.each(Array.from({ length: 60 }, (_, seed) => seed))('gives what random function %i gives', async (seed) => {
  const program = generate(seed, 'normal')
  if (!program) return
  const fault = await faultOf(subjectOf({ ...program, inPlace: false }), interpreter)
  if (fault) throw new Error(`${described(fault)}\n${sourceOf(program)}`)
})

it('reads what is as quickly computed again, and stores it for nobody', () => {
  const run: Run = (x) => {
    const halved = tf.mul(x, 0.5)
    return [tf.matMul(tf.tanh(halved), tf.ones([4, 3])), tf.sum(tf.tanh(halved), 0)]
  }
  const { program } = compiled(run, [tf.ones([6, 4])])
  expect(program.steps.map(({ kind }) => kind)).toEqual(['elementwise', 'product'])
})

it('does a layer of a tower in nine steps', () => {
  const steps = [1, 2].map((numHiddenLayers) => {
    const model = new SiglipVisionModel({ ...tiny.visionConfig, numHiddenLayers }, { seed: 1 })
    const run: Run = (pixelValues) => [model.forward({ pixelValues }).poolerOutput!]
    return compiled(run, [tinyPixels()]).program.steps
  })
  expect(steps[1]!.length - steps[0]!.length).toBe(9)
})

it('keeps weights as products like them, but not those that are assigned', () => {
  const { graph } = record(([x]) => [tf.matMul(x!, weight)], [tf.ones([2, 3])], plainEngine.host)
  const kept = [new Map<number, number>(), new Map([[0, 0]])].map((replaced) => {
    const [step] = compile(graph, { precision: 'bfloat16', variables: { ...NO_VARIABLES, replaced } }).steps
    return step?.kind === 'product' && step.keep
  })
  expect(kept).toEqual([true, false])
})

it('stores as bfloat16 what only products read', () => {
  const run: Run = (x) => {
    const y = tf.tanh(x)
    return [tf.matMul(y, weight), tf.sum(y)]
  }
  const { program } = compiled(run, [tf.ones([4, 3])], 'bfloat16')
  const [rows] = program.steps
  expect(rows?.kind === 'elementwise' && rows.outputs.map(({ dtype }) => dtype)).toEqual(['float32', 'bfloat16'])
})

it('gives results that share memory with nothing', () => {
  const run: Run = (x) => {
    const y = tf.tanh(x)
    return [x, tf.reshape(x, [2, 2]), y, tf.reshape(y, [2, 2]), tf.reverse(y), tf.slice(y, 1, 2)]
  }
  const x = tf.tensor1d([1, 2, 3, 4])
  expect(compiledDeviation(run, x)).toBeLessThan(1e-6)
  const { program } = compiled(run, [x])
  const results = program.buffers.flatMap((buffer) => (buffer.kind === 'result' ? [buffer.index] : []))
  expect(results.sort()).toEqual([0, 1, 2, 3, 4, 5])
})

it('takes tensors without elements', () => {
  const run: Run = (x) => [tf.concat([tf.tanh(x), tf.ones([2, 3])]), tf.matMul(x, weight), tf.sum(x), tf.sum(x, 0)]
  expect(compiledDeviation(run, tf.zeros([0, 3]))).toBe(0)
})

it('takes whole numbers and conditions', () => {
  const run: Run = (x, i) => {
    const condition = tf.greater(x, 0)
    return [
      ...[
        tf.add(i, 1),
        tf.transpose(i),
        tf.concat([i, i], 1),
        tf.pad(i, [
          [1, 2],
          [0, 1],
        ]),
        tf.tile(i, [2, 1]),
      ],
      ...[condition, tf.logicalAnd(condition, tf.less(x, 1)), tf.logicalNot(condition), tf.cast(condition, 'int32')],
      ...[tf.where(condition, i, tf.zerosLike(i)), tf.mul(tf.cast(i, 'float32'), 0.5), tf.cast(i, 'bool')],
      ...[tf.gather(i, tf.tensor1d([1, 0], 'int32')), tf.argMax(x, 1), tf.oneHot(tf.slice(i, [0, 0], [1, 3]), 4)],
      ...[tf.where(tf.equal(i, 2), x, tf.scalar(-1)), tf.all(condition, 1), tf.cast(x, 'int32'), tf.cast(x, 'bool')],
    ]
  }
  const x = tf.tensor2d([0.5, -1.7, 2, 0, 3.2, -0.1], [2, 3])
  expect(compiledDeviation(run, x, tf.tensor2d([0, 1, 2, 3, 2, 1], [2, 3], 'int32'))).toBeLessThan(1e-6)
})
