import { sizeOf } from '../graph-builder.js'
import type { CopyStep, View } from '../program/program.js'
import { fitted, LoopShape, MAX_DIMENSIONS } from './strides.js'

/** The steps that copy one view to another of the same shape: one, unless it has more dimensions than the engine's loops. */
export function copySteps(from: View, to: View): readonly CopyStep[] {
  if (to.shape.length <= MAX_DIMENSIONS) return [{ kind: 'copy', from, to }]
  const loop = new LoopShape(sizeOf(to.shape), 1)
  if (loop.add(from) && loop.add(to)) return [{ kind: 'copy', from: fitted(from, loop), to: fitted(to, loop) }]
  return Array.from({ length: to.shape[0] ?? 0 }, (_, i) => copySteps(part(from, i), part(to, i))).flat()
}

/** What lies at an index of a view's first dimension. */
function part(view: View, index: number): View {
  const [stride = 0, ...strides] = view.strides
  return { ...view, offset: view.offset + index * stride, shape: view.shape.slice(1), strides }
}
