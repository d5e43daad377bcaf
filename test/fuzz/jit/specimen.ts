import * as tf from '@tensorflow/tfjs'
import fc from 'fast-check'

import type { Subject } from './check.js'
import { generate } from './generate.js'
import { tensorsOf } from './inputs.js'
import { modelSubjectOf, settings } from './models.js'
import { type Mode, modes, type Program, pruned, sourceOf } from './program.js'
import { functionOf } from './project.js'
import { subjectOf } from './run.js'
import { asJavaScript, type ShapeOf, shrunk } from './shrink.js'
import { argumentsOf } from './program.js'

/** Programs of each mode, and the project's models. */
export const kinds = [...modes, 'model'] as const
export type Kind = (typeof kinds)[number]

/** Something to be checked that can be written down and made smaller. */
export interface Specimen {
  readonly subject: Subject
  /** JavaScript, or a model's settings. */
  readonly text: string
  /** The smallest one found that still fails. */
  readonly shrunk: (fails: (subject: Subject) => Promise<boolean>) => Promise<Specimen>
}

/** What a seed says; nothing if it says nothing that runs. */
export const specimenOf = (seed: number, kind: Kind): Specimen | undefined =>
  kind === 'model' ? modelSpecimen(seed) : programSpecimen(seed, kind)

function programSpecimen(seed: number, mode: Mode): Specimen | undefined {
  const program = generate(seed, mode)
  return program && ofProgram(program)
}

const ofProgram = (program: Program): Specimen => ({
  subject: subjectOf(program),
  get text() {
    return asJavaScript(program.inputs, sourceOf(program))
  },
  shrunk: async (fails) => ofProgram(await shrunk(program, shapeOf, (smaller) => fails(subjectOf(smaller)))),
})

/** Found by running it. */
const shapeOf: ShapeOf = (program, name) => {
  const alone = pruned({ ...program, mode: 'normal', results: [name], assigned: [] })
  return tf.tidy(() => {
    const tensors = tensorsOf(alone)
    try {
      const given = argumentsOf(alone).map((input) => tensors.get(input.name) ?? tf.scalar(0))
      const [made] = functionOf(sourceOf(alone), tensors)(...given)
      const dtype = made?.dtype
      if (!made || (dtype !== 'float32' && dtype !== 'int32' && dtype !== 'bool')) return undefined
      return { shape: made.shape, dtype }
    } finally {
      for (const tensor of tensors.values()) if (tensor instanceof tf.Variable) tensor.dispose()
    }
  })
}

/** fast-check draws a model's settings, and makes them smaller: they decide nothing of each other. */
function modelSpecimen(seed: number): Specimen | undefined {
  const [given] = fc.sample(settings, { seed, numRuns: 1 })
  if (!given) return undefined
  return {
    subject: modelSubjectOf(given),
    text: JSON.stringify(given),
    async shrunk(fails) {
      const property = fc.asyncProperty(settings, async (smaller) => !(await fails(modelSubjectOf(smaller))))
      const { counterexample } = await fc.check(property, { seed, numRuns: 1 })
      const [smallest] = counterexample ?? []
      const found = smallest ?? given
      return {
        subject: modelSubjectOf(found),
        text: JSON.stringify(found),
        shrunk: () => Promise.reject(new Error('once')),
      }
    },
  }
}
