import { bytesOf } from '../backend/engine/engine-backend.js'
import { BackendError } from '../errors.js'
import { sizeOf } from './graph-builder.js'
import { inputsOf, outputsOf } from './lowering/memory-plan.js'
import type { BufferSource, Program, Step, TensorFlowStep, View } from './program/program.js'

/** Where a segment's argument comes from. */
export type Source =
  | { readonly kind: 'argument'; readonly index: number }
  /** What an earlier part has made. */
  | { readonly kind: 'made'; readonly buffer: number }

/** Steps that the engine runs at once. */
export interface Segment {
  readonly kind: 'segment'
  readonly program: Program
  readonly args: readonly Source[]
  /** The buffers of the whole program that its results are. */
  readonly results: readonly number[]
}

/** A step of another kind, between them. */
export interface Between {
  readonly kind: 'between'
  readonly step: TensorFlowStep
}

/** A program in parts. */
export interface Segmented {
  readonly parts: readonly (Segment | Between)[]
  /** For each result of the program, its buffer. */
  readonly results: readonly number[]
  /** For each part, the buffers that nothing needs after it. */
  readonly freed: readonly (readonly number[])[]
}

type Made = Extract<BufferSource, { readonly kind: 'arena' | 'result' }>

const isMade = (source: BufferSource | undefined): source is Made =>
  source?.kind === 'arena' || source?.kind === 'result'

const isCapture = (source: BufferSource | undefined, index: number): boolean =>
  source?.kind === 'capture' && source.index === index

/**
 * Cuts a program where it has steps that the engine does not run by itself. What lies in the engine's arena is there for one segment
 * only, so what others read is a tensor.
 */
export function segmented(program: Program): Segmented {
  const groups = grouped(program.steps)
  const users = new Map<number, number[]>()
  groups.forEach((group, i) => {
    for (const buffer of buffersOf(stepsOf(group))) users.set(buffer, [...(users.get(buffer) ?? []), i])
  })
  const isLocal = (buffer: number, group: number): boolean =>
    program.buffers[buffer]?.kind === 'arena' && users.get(buffer)?.every((user) => user === group) === true
  const made = new Set<number>()
  const parts = groups.map((group, i): Segment | Between => {
    if (!Array.isArray(group)) {
      for (const { buffer } of group.outputs) made.add(buffer)
      return { kind: 'between', step: group }
    }
    const segment = segmentOf(program, group, (buffer) => isLocal(buffer, i), made)
    for (const buffer of segment.results) made.add(buffer)
    return segment
  })
  const results: number[] = []
  program.buffers.forEach((source, buffer) => {
    if (source.kind === 'result') results[source.index] = buffer
  })
  const freed = parts.map((_, i) =>
    [...made].filter((buffer) => program.buffers[buffer]?.kind === 'arena' && users.get(buffer)?.at(-1) === i),
  )
  return { parts, results, freed }
}

type Group = Step[] | TensorFlowStep

const stepsOf = (group: Group): readonly Step[] => (Array.isArray(group) ? group : [group])

function grouped(steps: readonly Step[]): readonly Group[] {
  const groups: Group[] = []
  for (const step of steps) {
    const last = groups.at(-1)
    if (step.kind === 'tensorflow') groups.push(step)
    else if (Array.isArray(last)) last.push(step)
    else groups.push([step])
  }
  return groups
}

function buffersOf(steps: readonly Step[]): ReadonlySet<number> {
  return new Set(steps.flatMap((step) => [...inputsOf(step), ...outputsOf(step)].map(({ buffer }) => buffer)))
}

function segmentOf(
  program: Program,
  steps: readonly Step[],
  isLocal: (buffer: number) => boolean,
  made: ReadonlySet<number>,
): Segment {
  const args: Source[] = []
  const results: number[] = []
  const numbers = new Map<number, number>()
  const used = [...buffersOf(steps)]
  const buffers = used.map((buffer, i): BufferSource => {
    numbers.set(buffer, i)
    const source = program.buffers[buffer]
    if (source === undefined) throw new RangeError(`A step uses buffer ${buffer}, which is not there`)
    if (source.kind === 'argument') return { kind: 'argument', index: args.push(source) - 1 }
    if (!isMade(source) || isLocal(buffer)) return source
    if (made.has(buffer)) return { kind: 'argument', index: args.push({ kind: 'made', buffer }) - 1 }
    const index = results.push(buffer) - 1
    if (source.kind === 'arena') return tensorOf(buffer, source.bytes, steps, index)
    const { over, ...result } = source
    // Where the segment does not read the capture, the result gets memory of its own.
    const isRead = over !== undefined && used.some((other) => isCapture(program.buffers[other], over))
    return { ...result, index, ...(isRead ? { over } : {}) }
  })
  const renumbered = (view: View): View => ({ ...view, buffer: numbers.get(view.buffer) ?? -1 })
  const own: Program = {
    buffers,
    arenaBytes: program.arenaBytes,
    steps: steps.map((step) => withViews(step, renumbered)),
  }
  return { kind: 'segment', program: own, args, results }
}

/** What was to lie in the arena as a tensor. @throws BackendError for bfloat16, which no tensor is */
function tensorOf(buffer: number, bytes: number, steps: readonly Step[], index: number): BufferSource {
  const [view] = steps.flatMap((step) => [...outputsOf(step), ...inputsOf(step)]).filter((one) => one.buffer === buffer)
  const dtype = view?.dtype ?? 'float32'
  if (dtype === 'bfloat16') {
    throw new BackendError('What is read by a step that the engine does not run is bfloat16', { found: String(buffer) })
  }
  return { kind: 'result', index, shape: [bytes / bytesOf(dtype)], dtype }
}

/** A step with other views. */
function withViews(step: Step, of: (view: View) => View): Step {
  switch (step.kind) {
    case 'product': {
      const { a, b, c, bias, residual } = step
      const optional = { ...(bias && { bias: of(bias) }), ...(residual && { residual: of(residual) }) }
      return { ...step, a: of(a), b: of(b), c: of(c), ...optional }
    }
    case 'attention': {
      const { q, k, v, out, mask } = step
      return { ...step, q: of(q), k: of(k), v: of(v), out: of(out), ...(mask && { mask: of(mask) }) }
    }
    case 'copy':
      return { ...step, from: of(step.from), to: of(step.to) }
    case 'gather':
      return { ...step, table: of(step.table), indices: of(step.indices), to: of(step.to) }
    case 'segmentSum':
      return { ...step, values: of(step.values), segments: of(step.segments), to: of(step.to) }
    case 'check':
      return { ...step, value: of(step.value) }
    case 'elementwise':
    case 'tensorflow':
      return { ...step, inputs: step.inputs.map(of), outputs: step.outputs.map(of) }
  }
}

/** Bytes of what a part of a program makes. */
export function sizeOfBuffer(program: Program, buffer: number): number {
  const source = program.buffers[buffer]
  if (source?.kind === 'result') return sizeOf(source.shape) * bytesOf(source.dtype)
  return source?.kind === 'arena' ? source.bytes : 0
}
