import { sameShape } from '../graph-builder.js'
import { elementwiseOps, type ElementwiseStep, type Step, type View } from '../program/program.js'
import { tables } from '../../backend/engine/tables.js'
import { inputsOf, outputsOf } from './memory-plan.js'

const { instructionWords } = tables.limits

/** Whether a step looks at values and may find them out of range: no variable may be half updated then. */
const isFallible: Readonly<Record<Step['kind'], boolean>> = {
  ...{ product: false, attention: false, elementwise: false, copy: false },
  ...{ gather: true, segmentSum: true, tensorflow: true, check: true },
}

/**
 * Which results may be written where the captures that they replace lie: each element is written by the step that is the last to
 * read the old one, or later, and after that no step can fail on its values.
 *
 * @param replaced buffers of results → of captures
 * @returns those of them that may
 */
export function inPlaceResults(
  steps: readonly Step[],
  replaced: ReadonlyMap<number, number>,
): ReadonlyMap<number, number> {
  const writers = new Map<number, number[]>()
  const lastReaders = new Map<number, number>()
  steps.forEach((step, i) => {
    for (const { buffer } of inputsOf(step)) lastReaders.set(buffer, i)
    for (const { buffer } of outputsOf(step)) writers.set(buffer, [...(writers.get(buffer) ?? []), i])
  })
  const lastFallible = steps.findLastIndex(({ kind }) => isFallible[kind])
  return new Map(
    [...replaced].filter(([result, capture]) => {
      const [writer = -1, ...others] = writers.get(result) ?? []
      const step = steps[writer]
      if (!step || others.length > 0 || writer <= lastFallible) return false
      const lastReader = lastReaders.get(capture) ?? -1
      return lastReader < writer || (lastReader === writer && readsWhatItWrites(step, result, capture))
    }),
  )
}

/** Whether a step reads of the capture, for each element that it writes, the one at the same place alone. */
function readsWhatItWrites(step: Step, result: number, capture: number): boolean {
  const to = outputsOf(step).find(({ buffer }) => buffer === result)
  const from = inputsOf(step).filter(({ buffer }) => buffer === capture)
  if (!to || !from.every((view) => sameElements(view, to))) return false
  if (step.kind === 'product') return [step.a, step.b, step.bias].every((view) => view?.buffer !== capture)
  return step.kind === 'elementwise' && loadsBeforeItStores(step, result, capture)
}

/** Whether a pass has an element in its tile before it writes the new one, and needs no other pass over the row. */
function loadsBeforeItStores({ inputs, outputs, code }: ElementwiseStep, result: number, capture: number): boolean {
  let isStored = false
  for (let i = 0; i < code.length; i += instructionWords) {
    const [op = 0, to = 0, a = 0] = code.subarray(i, i + instructionWords)
    switch (elementwiseOps[op]) {
      case 'rowSum':
      case 'rowMax':
        return false
      case 'store':
        isStored ||= outputs[to]?.buffer === result
        break
      case 'load':
        if (isStored && inputs[a]?.buffer === capture) return false
    }
  }
  return true
}

function sameElements(a: View, b: View): boolean {
  const repeats = a.strides.some((stride, i) => stride === 0 && (a.shape[i] ?? 1) > 1)
  return (
    !repeats &&
    a.dtype === b.dtype &&
    a.offset === b.offset &&
    sameShape(a.shape, b.shape) &&
    a.strides.every((stride, i) => stride === b.strides[i] || a.shape[i] === 1)
  )
}
