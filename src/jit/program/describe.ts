import { type Program, elementwiseOps, type Step, type View } from './program.js'
import { tables } from '../../backend/engine/tables.js'

const words = tables.limits.instructionWords

/** A program as text, a line for each step: what it does, and where with which shapes. */
export function describe({ steps, arenaBytes, buffers }: Program): string {
  const lines = steps.map((step, i) => `${i} ${describeStep(step, (view) => place(view, buffers))}`)
  return [`${steps.length} steps, ${(arenaBytes / 1e6).toFixed(1)} MB`, ...lines].join('\n')
}

const SHORT = { float32: 'f32', bfloat16: 'bf16', int32: 'i32', bool: 'bool' } as const

function place({ buffer, dtype, shape }: View, buffers: Program['buffers']): string {
  return `${buffers[buffer]?.kind ?? 'no'} ${buffer} ${SHORT[dtype]}[${shape.join()}]`
}

function describeStep(step: Step, place: (view: View) => string): string {
  const list = (views: readonly View[]): string => views.map(place).join(' ')
  switch (step.kind) {
    case 'product': {
      const { a, b, c, alpha, bias, activation, residual, precision } = step
      const parts = [alpha === 1 ? '' : ` · ${alpha}`, bias ? ` + bias ${place(bias)}` : '']
      parts.push(activation === 'none' ? '' : ` ${activation}`, residual ? ` + ${place(residual)}` : '')
      return `product ${precision} ${place(c)} = ${place(a)} × ${place(b)}${parts.join('')}`
    }
    case 'attention': {
      const { q, k, v, mask, out, scale, precision } = step
      return `attention ${precision} ${place(out)} = ${list([q, k, v])} scale ${scale}${mask ? ` mask ${place(mask)}` : ''}`
    }
    case 'elementwise': {
      const names = Array.from(
        { length: step.code.length / words },
        (_, i) => elementwiseOps[step.code[i * words] ?? 0],
      )
      const computed = names.filter((name) => name !== 'load' && name !== 'store' && name !== 'constant')
      return `elementwise [${step.shape.join()}] ${list(step.outputs)} = ${list(step.inputs)}: ${computed.join(' ')} (${step.slots} slots)`
    }
    case 'copy':
      return `copy ${place(step.to)} = ${place(step.from)}`
    case 'gather':
      return `gather ${place(step.to)} = ${place(step.table)} at ${place(step.indices)}`
    case 'segmentSum':
      return `segmentSum ${place(step.to)} = ${place(step.values)} by ${place(step.segments)}`
    case 'check':
      return `check ${place(step.value)}: ${step.summary}`
    case 'tensorflow':
      return `tensorflow ${step.op} ${list(step.outputs)} = ${list(step.inputs)}`
  }
}
