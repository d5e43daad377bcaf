import type { EncodedProgram } from '../../src/backend/engine/engine-core.js'
import type { Attribute } from '../../src/jit/graph.js'
import type { BufferSource, ElementType, Program, Step, View } from '../../src/jit/program/program.js'
import { activations } from '../../src/jit/program/program.js'
import { tables } from '../../src/backend/engine/tables.js'

/** Reads a program as the engine does: native/program/reader.h. */
export function decodeProgram({ words, constants, texts }: EncodedProgram): Program {
  let at = 0
  const word = (): number => {
    if (at >= words.length) throw new Error('the program ends too soon')
    return words[at++]!
  }
  const named = <T>(list: readonly T[]): T => list[word()]!
  const list = <T>(read: () => T): T[] => Array.from({ length: word() }, read)
  const text = () => texts[word()]!
  const type = () => named<ElementType>(tables.dtypes)
  const view = (): View => {
    const [buffer, offset, dtype] = [word(), word(), type()]
    const shape = list(word)
    return { buffer, offset, dtype, shape, strides: shape.map(word) }
  }
  const optional = (): View | undefined => (word() === 1 ? view() : undefined)
  if (word() !== tables.limits.encoding) throw new Error('another encoding')
  const arenaBytes = word()
  const buffers = list((): BufferSource => {
    const kind = named<BufferSource['kind']>(tables.buffers)
    switch (kind) {
      case 'argument':
      case 'capture':
        return { kind, index: word() }
      case 'constant':
        return { kind, values: constants[word()]! }
      case 'arena':
        return { kind, offset: word(), bytes: word() }
      case 'result': {
        const [index, dtype, isKept, over] = [word(), type(), word() === 1, word()]
        if (dtype === 'bfloat16') throw new Error('a result of bfloat16')
        return { kind, index, shape: list(word), dtype, isKept, ...(over >= 0 ? { over } : {}) }
      }
    }
  })
  const attribute = (): readonly [string, Attribute] => {
    const name = text()
    const kind = named<string>(tables.attributes)
    if (kind === 'string') return [name, { string: text() }]
    if (kind === 'ints') return [name, { ints: list(word) }]
    if (kind === 'bool') return [name, { bool: word() === 1 }]
    return [name, kind === 'int' ? { int: word() } : kind === 'float' ? { float: word() } : { type: word() }]
  }
  const operand = (): View => {
    word()
    return view()
  }
  const steps = list((): Step => {
    const kind = named<Step['kind']>(tables.steps)
    switch (kind) {
      case 'product': {
        const [a, b, c, precision, alpha, bias] = [view(), view(), view(), type(), word(), optional()]
        const [activation, residual, keep] = [named(activations), optional(), word() === 1]
        if (precision !== 'float32' && precision !== 'bfloat16') throw new Error('bad precision')
        return {
          kind,
          a,
          b,
          c,
          precision,
          alpha,
          activation,
          keep,
          ...(bias && { bias }),
          ...(residual && { residual }),
        }
      }
      case 'attention': {
        const [q, k, v, out, mask, scale, precision] = [view(), view(), view(), view(), optional(), word(), type()]
        if (precision !== 'float32' && precision !== 'bfloat16') throw new Error('bad precision')
        return { kind, q, k, v, out, scale, precision, ...(mask && { mask }) }
      }
      case 'elementwise': {
        const [shape, inputs, outputs, slots, length] = [list(word), list(view), list(view), word(), word()]
        const code = Int32Array.from({ length: length * tables.limits.instructionWords }, word)
        return { kind, shape, inputs, outputs, slots, code }
      }
      case 'copy':
        return { kind, from: view(), to: view() }
      case 'gather':
        return { kind, table: view(), indices: view(), to: view() }
      case 'segmentSum':
        return { kind, values: view(), segments: view(), to: view() }
      case 'check': {
        const [value, whole, least, most, also] = [view(), word() === 1, word(), word(), word()]
        return {
          kind,
          value,
          whole,
          least,
          most,
          ...(Number.isNaN(also) ? {} : { also }),
          summary: text(),
          expected: text(),
        }
      }
      case 'tensorflow':
        return {
          kind,
          op: text(),
          attributes: Object.fromEntries(list(attribute)),
          inputs: list(operand),
          outputs: list(operand),
        }
    }
  })
  if (at !== words.length) throw new Error('the program goes on')
  return { buffers, arenaBytes, steps }
}
