import type { Step, View } from '../program/program.js'
import { tables } from '../../backend/engine/tables.js'

/** The views that a step reads. */
export function inputsOf(step: Step): readonly View[] {
  const views = ((): readonly (View | undefined)[] => {
    switch (step.kind) {
      case 'product':
        return [step.a, step.b, step.bias, step.residual]
      case 'attention':
        return [step.q, step.k, step.v, step.mask]
      case 'copy':
        return [step.from]
      case 'gather':
        return [step.table, step.indices]
      case 'segmentSum':
        return [step.values, step.segments]
      case 'check':
        return [step.value]
      case 'elementwise':
      case 'tensorflow':
        return step.inputs
    }
  })()
  return views.filter((view) => view !== undefined)
}

/** The views that a step writes. */
export function outputsOf(step: Step): readonly View[] {
  switch (step.kind) {
    case 'product':
      return [step.c]
    case 'attention':
      return [step.out]
    case 'copy':
    case 'gather':
    case 'segmentSum':
      return [step.to]
    case 'elementwise':
    case 'tensorflow':
      return step.outputs
    case 'check':
      return []
  }
}

const ALIGNMENT = tables.limits.arenaAlignment

interface Placed {
  readonly offset: number
  readonly bytes: number
  readonly lastStep: number
}

/**
 * Gives buffers places in one block of memory, so that those in use at the same step don't overlap.
 *
 * @param sizes bytes of each buffer that needs a place
 * @returns the buffers' offsets, and the bytes of the block
 */
export function planMemory(
  steps: readonly Step[],
  sizes: ReadonlyMap<number, number>,
): { readonly offsets: ReadonlyMap<number, number>; readonly bytes: number } {
  const first = new Map<number, number>()
  const last = new Map<number, number>()
  steps.forEach((step, i) => {
    for (const { buffer } of [...inputsOf(step), ...outputsOf(step)]) {
      if (!first.has(buffer)) first.set(buffer, i)
      last.set(buffer, i)
    }
  })
  const offsets = new Map<number, number>()
  let placed: readonly Placed[] = []
  let total = 0
  const inOrder = [...sizes].sort(
    ([a, m], [b, n]) => (first.get(a) ?? 0) - (first.get(b) ?? 0) || n - m, // the larger first
  )
  for (const [buffer, size] of inOrder) {
    const begin = first.get(buffer)
    if (begin === undefined) {
      offsets.set(buffer, 0)
      continue
    }
    placed = placed.filter(({ lastStep }) => lastStep >= begin)
    const bytes = Math.ceil(size / ALIGNMENT) * ALIGNMENT
    const offset = bestFit(placed, bytes)
    placed = [...placed, { offset, bytes, lastStep: last.get(buffer) ?? begin }].sort((a, b) => a.offset - b.offset)
    offsets.set(buffer, offset)
    total = Math.max(total, offset + bytes)
  }
  return { offsets, bytes: total }
}

/** The smallest gap that is large enough, or the end. */
function bestFit(placed: readonly Placed[], bytes: number): number {
  let end = 0
  let best: { readonly offset: number; readonly gap: number } | undefined
  for (const { offset, bytes: taken } of placed) {
    const gap = offset - end
    if (gap >= bytes && (!best || gap < best.gap)) best = { offset: end, gap }
    end = Math.max(end, offset + taken)
  }
  return best?.offset ?? end
}
