import * as tf from '@tensorflow/tfjs'
import { InputError } from '../../src/errors.js'
import { isAllowed } from '../../src/backend/tracing.js'
import { isNativeBackend, TYPE_NUMBERS } from '../../src/jit/record/native-backend.js'
import {
  type ElementType,
  type Program,
  elementwiseOps,
  type ElementwiseStep,
  type Step,
  type View,
} from '../../src/jit/program/program.js'
import { nativeAttribute } from './graph-runner.js'

/** Runs a program one element after another: slow, and plain to see what every step means. */
export function runProgram(program: Program, args: readonly tf.Tensor[], captures: readonly tf.Tensor[]): tf.Tensor[] {
  const results = runOnMemory(
    program,
    args.map((tensor) => bytes(tensor.dataSync())),
    captures.map((tensor) => bytes(tensor.dataSync())),
  )
  return results.map(({ data, shape, dtype }) => tf.tensor(typed(data, dtype), [...shape], dtype))
}

/** A result's bytes. */
export interface ResultInMemory {
  readonly data: DataView<ArrayBuffer>
  readonly shape: readonly number[]
  readonly dtype: 'float32' | 'int32' | 'bool'
}

/** The same on bytes, which are as they were afterwards. */
export function runOnMemory(
  program: Program,
  args: readonly DataView[],
  captures: readonly DataView[],
): readonly ResultInMemory[] {
  const arena = new ArrayBuffer(program.arenaBytes)
  new Uint8Array(arena).fill(0xff) // nobody may rely on what is there
  const results: ResultInMemory[] = []
  const buffers = program.buffers.map((source): DataView => {
    switch (source.kind) {
      case 'argument':
        return args[source.index]!
      case 'capture':
        return captures[source.index]!
      case 'constant':
        return bytes(source.values)
      case 'arena':
        return new DataView(arena, source.offset, source.bytes)
      case 'result': {
        const { shape, dtype } = source
        const data = new DataView(new ArrayBuffer(tf.util.sizeFromShape([...shape]) * (dtype === 'bool' ? 1 : 4)))
        results[source.index] = { data, shape, dtype }
        return data
      }
    }
  })
  for (const step of program.steps) runStep(step, buffers)
  return results
}

const bytes = (values: ArrayBufferView): DataView =>
  new DataView(values.buffer.slice(values.byteOffset, values.byteOffset + values.byteLength))

function typed({ buffer }: DataView, dtype: string): Float32Array | Int32Array | Uint8Array {
  return dtype === 'float32'
    ? new Float32Array(buffer)
    : dtype === 'int32'
      ? new Int32Array(buffer)
      : new Uint8Array(buffer)
}

const bits = new Uint32Array(1)
const float = new Float32Array(bits.buffer)

/** To the nearest bfloat16, the even one if there are two. */
function half(value: number): number {
  float[0] = value
  return (bits[0]! + 0x7fff + ((bits[0]! >> 16) & 1)) >>> 16
}

const SIZES: Record<ElementType, number> = { float32: 4, bfloat16: 2, int32: 4, bool: 1 }

function read(memory: DataView, dtype: ElementType, index: number): number {
  const at = index * SIZES[dtype]
  if (dtype === 'float32') return memory.getFloat32(at, true)
  if (dtype === 'int32') return memory.getInt32(at, true)
  if (dtype === 'bool') return memory.getUint8(at)
  bits[0] = memory.getUint16(at, true) << 16
  return float[0]!
}

function write(memory: DataView, dtype: ElementType, index: number, value: number): void {
  const at = index * SIZES[dtype]
  if (dtype === 'float32') memory.setFloat32(at, value, true)
  else if (dtype === 'int32') memory.setInt32(at, value, true)
  else if (dtype === 'bool') memory.setUint8(at, Number(value !== 0))
  else memory.setUint16(at, half(value), true)
}

/** A view as a function of indices, and back. */
function over({ buffer, offset, dtype, strides }: View, buffers: readonly DataView[]) {
  const place = (index: readonly number[]): number => index.reduce((sum, i, d) => sum + i * strides[d]!, offset)
  return {
    get: (index: readonly number[]): number => read(buffers[buffer]!, dtype, place(index)),
    set: (index: readonly number[], value: number): void => {
      write(buffers[buffer]!, dtype, place(index), value)
    },
  }
}

function* indices(shape: readonly number[]): Generator<number[]> {
  const size = tf.util.sizeFromShape([...shape])
  for (let n = 0; n < size; n++) {
    const index: number[] = []
    let rest = n
    for (let d = shape.length - 1; d >= 0; d--) {
      index.unshift(rest % shape[d]!)
      rest = Math.floor(rest / shape[d]!)
    }
    yield index
  }
}

const rounded = (value: number, precision: 'float32' | 'bfloat16'): number => {
  if (precision === 'float32') return value
  bits[0] = half(value) << 16
  return float[0]!
}

export function erf(x: number): number {
  // The series up to 3, the continued fraction from there.
  if (Math.abs(x) > 3) {
    let fraction = 0
    for (let n = 60; n > 0; n--) fraction = n / 2 / (Math.abs(x) + fraction)
    return Math.sign(x) * (1 - Math.exp(-x * x) / (Math.sqrt(Math.PI) * (Math.abs(x) + fraction)))
  }
  let [sum, term] = [x, x]
  for (let n = 1; n < 100; n++) {
    term *= (-x * x) / n
    sum += term / (2 * n + 1)
  }
  return (2 / Math.sqrt(Math.PI)) * sum
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x))

const ACTIVATIONS: Record<string, (x: number) => number> = {
  none: (x) => x,
  geluTanh: (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
  gelu: (x) => 0.5 * x * (1 + erf(x * Math.SQRT1_2)),
  relu: (x) => Math.max(0, x),
  silu: (x) => x * sigmoid(x),
  quickGelu: (x) => x * sigmoid(1.702 * x),
}

function even(x: number): number {
  const floor = Math.floor(x)
  if (x - floor !== 0.5) return Math.round(x)
  return floor % 2 === 0 ? floor : floor + 1
}

const FUNCTIONS: Record<string, (a: number, b: number, c: number) => number> = {
  negative: (a) => -a,
  abs: Math.abs,
  sign: Math.sign,
  square: (a) => a * a,
  sqrt: Math.sqrt,
  rsqrt: (a) => 1 / Math.sqrt(a),
  reciprocal: (a) => 1 / a,
  exp: Math.exp,
  expm1: Math.expm1,
  log: Math.log,
  log1p: Math.log1p,
  tanh: Math.tanh,
  erf,
  sigmoid,
  softplus: (a) => Math.max(a, 0) + Math.log1p(Math.exp(-Math.abs(a))),
  relu: (a) => Math.max(a, 0),
  floor: Math.floor,
  ceil: Math.ceil,
  round: even,
  isNan: (a) => Number(Number.isNaN(a)),
  not: (a) => Number(a === 0),
  add: (a, b) => a + b,
  subtract: (a, b) => a - b,
  multiply: (a, b) => a * b,
  divide: (a, b) => a / b,
  power: (a, b) => a ** b,
  minimum: (a, b) => Math.min(a, b),
  maximum: (a, b) => Math.max(a, b),
  squaredDifference: (a, b) => (a - b) ** 2,
  equal: (a, b) => Number(a === b),
  notEqual: (a, b) => Number(a !== b),
  less: (a, b) => Number(a < b),
  lessEqual: (a, b) => Number(a <= b),
  greater: (a, b) => Number(a > b),
  greaterEqual: (a, b) => Number(a >= b),
  and: (a, b) => Number(a !== 0 && b !== 0),
  or: (a, b) => Number(a !== 0 || b !== 0),
  select: (a, b, c) => (a !== 0 ? b : c),
  multiplyAdd: (a, b, c) => a * b + c,
}

function runStep(step: Step, buffers: readonly DataView[]): void {
  const of = (view: View) => over(view, buffers)
  switch (step.kind) {
    case 'product': {
      const { c, precision, alpha, activation } = step
      const [a, b, to] = [of(step.a), of(step.b), of(c)]
      const k = step.a.shape.at(-1)!
      const [bias, residual] = [step.bias && of(step.bias), step.residual && of(step.residual)]
      if (step.b.shape.at(-2) !== k || c.shape.length > 4 || (c.strides.at(-1) !== 1 && c.shape.at(-1) !== 1))
        throw new Error('bad product')
      for (const index of indices(c.shape)) {
        const [batch, [m, n]] = [index.slice(0, -2), index.slice(-2)]
        let sum = 0
        for (let i = 0; i < k; i++) {
          sum += rounded(a.get([...batch, m!, i]), precision) * rounded(b.get([...batch, i, n!]), precision)
        }
        const value = ACTIVATIONS[activation]!(alpha * sum + (bias?.get([n!]) ?? 0))
        to.set(index, value + (residual?.get(index) ?? 0))
      }
      return
    }
    case 'attention': {
      const { scale, precision } = step
      const [q, k, v, out] = [of(step.q), of(step.k), of(step.v), of(step.out)]
      const mask = step.mask && of(step.mask)
      const [batches, heads, queries, width] = step.q.shape as [number, number, number, number]
      const keys = step.k.shape[2]!
      for (const [b, h, i] of indices([batches, heads, queries]) as Generator<[number, number, number]>) {
        const scores = Array.from({ length: keys }, (_, j) => {
          let sum = 0
          for (let d = 0; d < width; d++)
            sum += rounded(q.get([b, h, i, d]), precision) * rounded(k.get([b, h, j, d]), precision)
          return Math.fround(scale * sum + (mask?.get([b, h, i, j]) ?? 0))
        })
        const largest = Math.max(...scores)
        const powers = scores.map((score) => Math.exp(score - largest))
        const total = powers.reduce((sum, power) => sum + power)
        for (let d = 0; d < step.v.shape[3]!; d++) {
          const sum = powers.reduce(
            (sum, power, j) => sum + rounded(power, precision) * rounded(v.get([b, h, j, d]), precision),
            0,
          )
          out.set([b, h, i, d], sum / total)
        }
      }
      return
    }
    case 'elementwise':
      runRows(step, buffers)
      return
    case 'copy': {
      const [from, to] = [of(step.from), of(step.to)]
      if (String(step.from.shape) !== String(step.to.shape)) throw new Error('bad copy')
      if (step.to.shape.length > 6) throw new Error('bad copy')
      for (const index of indices(step.to.shape)) to.set(index, from.get(index))
      return
    }
    case 'gather': {
      const [table, rows, to] = [of(step.table), of(step.indices), of(step.to)]
      for (const [r, d] of indices(step.to.shape) as Generator<[number, number]>) {
        to.set([r, d], table.get([rows.get([r]), d]))
      }
      return
    }
    case 'segmentSum': {
      const [values, segments, to] = [of(step.values), of(step.segments), of(step.to)]
      for (const index of indices(step.to.shape)) to.set(index, 0)
      for (const [r, d] of indices(step.values.shape) as Generator<[number, number]>) {
        const segment = segments.get([r])
        if (segment < 0) continue
        to.set([segment, d], to.get([segment, d]) + values.get([r, d]))
      }
      return
    }
    case 'check': {
      const value = of(step.value)
      for (const index of indices(step.value.shape)) {
        if (!isAllowed(value.get(index), step)) throw new InputError(step.summary, { expected: step.expected })
      }
      return
    }
    case 'tensorflow':
      runTensorflow(step, buffers)
  }
}

function runRows({ shape, inputs, outputs, slots, code }: ElementwiseStep, buffers: readonly DataView[]): void {
  if (shape.length > 6) throw new Error('bad loop')
  const [from, to] = [inputs, outputs].map((views) => views.map((view) => over(view, buffers))) as [
    ReturnType<typeof over>[],
    ReturnType<typeof over>[],
  ]
  const columns = shape.at(-1)!
  // Sums are kept apart with more digits, and their memory is only written.
  const sums = outputs.map(() => new Map<string, { index: number[]; sum: number }>())
  for (const row of indices(shape.slice(0, -1))) {
    const values = Array.from({ length: slots }, () => new Float32Array(columns).fill(NaN))
    for (let at = 0; at < code.length; at += 5) {
      const [number, target, a, b, c] = code.subarray(at, at + 5) as unknown as [number, number, number, number, number]
      const op = elementwiseOps[number]!
      const index = (i: number): number[] => [...row, i]
      const [x, y, z] = [values[a], values[b], values[c]]
      const result = new Float32Array(columns)
      if (op === 'store') for (let i = 0; i < columns; i++) to[target]!.set(index(i), x![i]!)
      else if (op === 'storeSum') {
        for (let i = 0; i < columns; i++) {
          const key = index(i).filter((_, d) => outputs[target]!.strides[d] !== 0)
          const sum = sums[target]!.get(key.join()) ?? { index: index(i), sum: 0 }
          sums[target]!.set(key.join(), sum)
          sum.sum += x![i]!
        }
      } else if (op === 'load') for (let i = 0; i < columns; i++) result[i] = from[a]!.get(index(i))
      else if (op === 'constant') result.fill(new Float32Array(Int32Array.of(a).buffer)[0]!)
      else if (op === 'rowSum') result.fill(x!.reduce((sum, value) => sum + value, 0))
      else if (op === 'rowMax') result.fill(Math.max(...x!))
      else for (let i = 0; i < columns; i++) result[i] = FUNCTIONS[op]!(x![i]!, y![i]!, z![i]!)
      if (op !== 'store' && op !== 'storeSum') values[target] = result
    }
  }
  sums.forEach((kept, output) => {
    for (const { index, sum } of kept.values()) to[output]!.set(index, sum)
  })
}

function runTensorflow(
  { op, attributes, inputs, outputs }: Extract<Step, { kind: 'tensorflow' }>,
  buffers: readonly DataView[],
): void {
  const { backend } = tf.engine()
  if (!isNativeBackend(backend)) throw new Error('not the native backend')
  const { binding } = backend
  const type = (view: View): 'float32' | 'int32' | 'bool' => {
    if (view.dtype === 'bfloat16') throw new Error('TensorFlow gets no bfloat16')
    return view.dtype
  }
  const ids = inputs.map((view) => {
    const dtype = type(view)
    const size = tf.util.sizeFromShape([...view.shape])
    const source = buffers[view.buffer]!
    const begin = source.byteOffset + view.offset * SIZES[dtype]
    const values = typed(new DataView(source.buffer.slice(begin, begin + size * SIZES[dtype])), dtype)
    return binding.createTensor(view.shape, TYPE_NUMBERS[dtype], values)
  })
  const named = Object.entries(attributes).map(([name, attribute]) => nativeAttribute(name, attribute))
  const results = binding.executeOp(op, named, ids, outputs.length)
  results.forEach(({ id }, i) => {
    const values = binding.tensorDataSync(id) as ArrayLike<number>
    const to = over(outputs[i]!, buffers)
    let n = 0
    for (const index of indices(outputs[i]!.shape)) to.set(index, values[n++]!)
    binding.deleteTensor(id)
  })
  for (const id of ids) binding.deleteTensor(id)
}
