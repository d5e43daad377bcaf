import * as tf from '@tensorflow/tfjs'
import { SiglipModel } from '../../../src/models/siglip-model.js'
import { useBackend } from '../../../src/runtime/backend-node.js'
import { compile } from '../../../src/runtime/jit/compile.js'
import { record } from '../../../src/runtime/jit/recorder.js'
import { deviation, namedOutputs } from '../../fixture.js'
import { tiny, tinyIds, tinyPixels } from '../../tiny-models.js'
import { plainEngine } from './graph-runner.js'
import { runProgram } from './program-runner.js'

beforeAll(async () => {
  await useBackend('native', { quiet: true })
})

type Run = (...inputs: tf.Tensor[]) => readonly tf.Tensor[]

const compiled = (run: Run, inputs: readonly tf.Tensor[], precision: 'float32' | 'bfloat16' = 'float32') => {
  const { graph, captures, returned } = record((given) => run(...given), inputs, plainEngine.shapes())
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
