import { inPlaceResults } from '../../../src/jit/lowering/in-place.js'
import { elementwiseOps, type ElementwiseStep, type Step, type View } from '../../../src/jit/program/program.js'

const [CAPTURE, RESULT, OTHER] = [0, 1, 2]

const view = (buffer: number, changed: Partial<View> = {}): View => ({
  ...{ buffer, offset: 0, dtype: 'float32', shape: [4], strides: [1] },
  ...changed,
})
const instruction = (op: (typeof elementwiseOps)[number], to: number, a = 0): number[] => [
  elementwiseOps.indexOf(op),
  to,
  a,
  0,
  0,
]

const old = view(CAPTURE)

/** The result is what is opposite to the capture. */
const update = (changed: Partial<ElementwiseStep> = {}): Step => ({
  ...{ kind: 'elementwise', shape: [4], inputs: [view(CAPTURE)], outputs: [view(RESULT)], slots: 2 },
  code: Int32Array.from([...instruction('load', 0), ...instruction('negative', 1), ...instruction('store', 0, 1)]),
  ...changed,
})
const copy = (from: number, to: number): Step => ({ kind: 'copy', from: view(from), to: view(to) })
const gather: Step = { kind: 'gather', table: view(OTHER), indices: view(OTHER), to: view(OTHER) }
const code = (...instructions: readonly number[][]) => Int32Array.from(instructions.flat())

const isWrittenOver = (steps: readonly Step[]): boolean =>
  inPlaceResults(steps, new Map([[RESULT, CAPTURE]])).size === 1

it.each<readonly [string, readonly Step[]]>([
  ['element by element', [update()]],
  ['after all that reads the old values or may fail', [copy(CAPTURE, OTHER), gather, copy(OTHER, RESULT)]],
  ['and read afterwards', [update(), copy(RESULT, OTHER)]],
  [
    'as the residual of a product',
    [
      {
        ...{ kind: 'product', a: view(OTHER), b: view(OTHER), c: view(RESULT), residual: view(CAPTURE) },
        ...{ precision: 'float32', alpha: 1, activation: 'none', keep: false },
      },
    ],
  ],
])('a result is written over a capture: %s', (_, steps) => {
  expect(isWrittenOver(steps)).toBe(true)
})

it.each<readonly [string, readonly Step[]]>([
  ['the old values are read later', [update(), copy(CAPTURE, OTHER)]],
  ['a later step may fail', [update(), gather]],
  ['it is written twice', [update(), copy(OTHER, RESULT)]],
  ['nothing writes it', [copy(CAPTURE, OTHER)]],
  ['other elements are read', [update({ inputs: [view(CAPTURE, { offset: 3, strides: [-1] })] })]],
  ['one element is read for all', [update({ inputs: [view(CAPTURE, { strides: [0] })] })]],
  ['sums of the row are read', [update({ code: code(instruction('load', 0), instruction('rowSum', 1)) })]],
  [
    'the old values are loaded after the new ones are stored',
    [update({ code: code(instruction('constant', 1), instruction('store', 0, 1), instruction('load', 0)) })],
  ],
  [
    'a product multiplies it, and adds the same view of it',
    [
      {
        ...{ kind: 'product', a: old, b: view(OTHER), c: view(RESULT), residual: old },
        ...{ precision: 'float32', alpha: 1, activation: 'none', keep: false },
      },
    ],
  ],
  [
    'a product multiplies it',
    [
      {
        ...{ kind: 'product', a: view(CAPTURE), b: view(OTHER), c: view(RESULT) },
        ...{ precision: 'float32', alpha: 1, activation: 'none', keep: false },
      },
    ],
  ],
])('it is not, where %s', (_, steps) => {
  expect(isWrittenOver(steps)).toBe(false)
})
