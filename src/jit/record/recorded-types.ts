import { TraceError } from '../../errors.js'
import type { Attribute, DataType } from '../graph.js'
import { type NativeAttribute, TYPE_NUMBERS } from './native-backend.js'
import { userLine } from './user-line.js'

const NAMES: ReadonlyMap<number, DataType> = new Map([
  [TYPE_NUMBERS.float32, 'float32'],
  [TYPE_NUMBERS.int32, 'int32'],
  [TYPE_NUMBERS.bool, 'bool'],
])

/**
 * The type that TensorFlow's number stands for.
 * @throws TraceError for one that isn't recorded
 */
export function dataType(number: number): DataType {
  const name = NAMES.get(number)
  if (name) return name
  throw new TraceError('`jit` records tensors of numbers only', {
    expected: 'float32, int32 or bool',
    found: number === STRING ? 'string' : `TensorFlow's type ${number}`,
    where: userLine(),
  })
}

const STRING = 7

/** TensorFlow's numbers of the kinds of attributes. */
const KINDS = { string: 0, int: 1, float: 2, bool: 3, type: 4 } as const

/** @throws TraceError for a kind that no operation on numbers has */
export function asAttribute({ name, type, value }: NativeAttribute): Attribute {
  if (type === KINDS.string && typeof value === 'string') return { string: value }
  if (type === KINDS.bool && typeof value === 'boolean') return { bool: value }
  if (type === KINDS.int && Array.isArray(value) && value.every(isNumber)) return { ints: value }
  if (isNumber(value)) {
    if (type === KINDS.int) return { int: value }
    if (type === KINDS.float) return { float: value }
    if (type === KINDS.type) return { type: value }
  }
  throw new TraceError('An operation has an attribute of a kind that `jit` does not know', {
    found: name,
    where: userLine(),
  })
}

const isNumber = (value: unknown): value is number => typeof value === 'number'
