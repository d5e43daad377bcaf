import type { EncodedProgram } from '../../backend/engine/engine-core.js'
import type { Attribute } from '../graph.js'
import type { BufferSource, ElementType, Program, Step, View } from './program.js'
import { tables } from '../../backend/engine/tables.js'

const { limits, activations } = tables
const bufferKinds: readonly BufferSource['kind'][] = tables.buffers
const stepKinds: readonly Step['kind'][] = tables.steps

/** Writes a program as a row of numbers: every list after its length, every name as its place in a list. */
export function encodeProgram(program: Program): EncodedProgram {
  const words: number[] = [limits.encoding, program.arenaBytes]
  const constants: (Float32Array | Int32Array | Uint8Array)[] = []
  const texts: string[] = []

  const list = <T>(items: readonly T[], write: (item: T) => void) => {
    words.push(items.length)
    items.forEach(write)
  }
  const numbers = (items: readonly number[]) => {
    words.push(items.length)
    for (const item of items) words.push(item)
  }
  const text = (value: string) => words.push(texts.push(value) - 1)
  const type = (dtype: ElementType) => words.push(tables.dtypes.indexOf(dtype))
  const view = ({ buffer, offset, dtype, shape, strides }: View) => {
    words.push(buffer, offset, tables.dtypes.indexOf(dtype))
    numbers(shape)
    for (const stride of strides) words.push(stride)
  }
  const optional = (value: View | undefined) => {
    words.push(value ? 1 : 0)
    if (value) view(value)
  }

  list(program.buffers, (buffer) => {
    words.push(bufferKinds.indexOf(buffer.kind))
    switch (buffer.kind) {
      case 'argument':
      case 'capture':
        return words.push(buffer.index)
      case 'constant':
        return words.push(constants.push(buffer.values) - 1)
      case 'arena':
        return words.push(buffer.offset, buffer.bytes)
      case 'result':
        words.push(buffer.index, tables.dtypes.indexOf(buffer.dtype), buffer.isKept ? 1 : 0, buffer.over ?? -1)
        {
          numbers(buffer.shape)
          return
        }
    }
  })
  list(program.steps, (step) => {
    words.push(stepKinds.indexOf(step.kind))
    switch (step.kind) {
      case 'product':
        ;[step.a, step.b, step.c].forEach(view)
        type(step.precision)
        words.push(step.alpha)
        optional(step.bias)
        words.push(activations.indexOf(step.activation))
        optional(step.residual)
        return words.push(step.keep ? 1 : 0)
      case 'attention':
        ;[step.q, step.k, step.v, step.out].forEach(view)
        optional(step.mask)
        words.push(step.scale)
        return type(step.precision)
      case 'elementwise':
        numbers(step.shape)
        list(step.inputs, view)
        list(step.outputs, view)
        words.push(step.slots, step.code.length / limits.instructionWords)
        for (const word of step.code) words.push(word)
        return
      case 'copy':
        view(step.from)
        {
          view(step.to)
          return
        }
      case 'gather':
        ;[step.table, step.indices, step.to].forEach(view)
        return
      case 'segmentSum':
        ;[step.values, step.segments, step.to].forEach(view)
        return
      case 'check':
        view(step.value)
        words.push(step.whole ? 1 : 0, step.least, step.most, step.also ?? NaN)
        text(step.summary)
        return text(step.expected)
      case 'tensorflow': {
        const operand = (value: View) => {
          words.push(value.shape.length === 0 ? 1 : 0)
          view(value)
        }
        text(step.op)
        list(Object.entries(step.attributes), ([name, attribute]) => {
          text(name)
          writeAttribute(attribute, { words, numbers, text })
        })
        list(step.inputs, operand)
        list(step.outputs, operand)
        return
      }
    }
  })
  return { words: Float64Array.from(words), constants, texts }
}

interface Writers {
  readonly words: number[]
  readonly numbers: (items: readonly number[]) => void
  readonly text: (value: string) => void
}

function writeAttribute(attribute: Attribute, { words, numbers, text }: Writers): void {
  const kind = tables.attributes.findIndex((name) => name in attribute)
  words.push(kind)
  if ('string' in attribute) text(attribute.string)
  else if ('ints' in attribute) numbers(attribute.ints)
  else if ('types' in attribute) numbers(attribute.types)
  else if ('bool' in attribute) words.push(attribute.bool ? 1 : 0)
  else if ('int' in attribute) words.push(attribute.int)
  else if ('float' in attribute) words.push(attribute.float)
  else words.push(attribute.type)
}
