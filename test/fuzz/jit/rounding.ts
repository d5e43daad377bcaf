/**
 * How far a program's results may be from those of the program run operation by operation. No fixed number says it: where large
 * numbers cancel, any two right orders of summation differ in every digit, and where nothing is rounded, nothing may differ.
 *
 * So it is measured, by Monte Carlo arithmetic (Parker, Pierce and Eggert 2000, "Monte Carlo Arithmetic: How to Gamble with
 * Floating Point and Win"): the program runs again, operation by operation, with the rounding of each operation made random, and as
 * large as 8 units in the last place (kernels of functions and sums are right to a few). What is exact stays exact: moved and
 * chosen elements, sums and products of two numbers that need no rounding, quotients that come out even, sums of small whole
 * numbers. How far the results of such runs lie apart is how much they mean; {@link judged} takes it from there.
 *
 * Beside relative noise, some functions have absolute noise: those that compute what is small out of what is not. Denormals
 * may be zeros, and a zero that was computed has no sign. With bfloat16, the operands of products are rounded to it where they are
 * compared, and up to one unit in its last place away from that in the random runs.
 *
 * @module
 */
import * as tf from '@tensorflow/tfjs'

import { Dice } from './dice.js'
import { type KernelHook, type KernelInputs, type RunKernel, withHook } from './kernel-hook.js'
import { sizeOf } from './shapes.js'

// Looked up once: each global costs time under jest.
const { abs, fround } = Math

/** Relative noise: 8 units in the last place of float32. */
const NOISE = 2 ** -20
/** One unit in the last place of bfloat16. */
const BF16_NOISE = 2 ** -7
const SMALLEST_NORMAL = 2 ** -126

/** What moves elements, or says something of them. */
const MOVES = new Set([
  ...['All', 'Any', 'ArgMax', 'ArgMin', 'BatchToSpaceND', 'BroadcastArgs', 'Cast', 'Concat', 'DepthToSpace', 'Diag'],
  ...['Equal', 'ExpandDims', 'Fill', 'FlipLeftRight', 'GatherNd', 'GatherV2', 'Greater', 'GreaterEqual', 'Identity'],
  ...[
    'IsFinite',
    'IsInf',
    'IsNan',
    'Less',
    'LessEqual',
    'LogicalAnd',
    'LogicalNot',
    'LogicalOr',
    'MirrorPad',
    'NotEqual',
  ],
  ...[
    'OneHot',
    'OnesLike',
    'Pack',
    'PadV2',
    'Range',
    'Reshape',
    'ResizeNearestNeighbor',
    'Reverse',
    'ScatterNd',
    'Select',
  ],
  ...['Slice', 'SpaceToBatchND', 'SparseToDense', 'SplitV', 'StridedSlice', 'TensorScatterUpdate', 'Tile', 'TopK'],
  ...['Transpose', 'Unpack', 'ZerosLike'],
])

/** What chooses among its operands, or rounds to whole numbers; the sign of a zero may get lost. */
const CHOICES = new Set([
  ...[
    'Abs',
    'Ceil',
    'ClipByValue',
    'Dilation2D',
    'Floor',
    'Max',
    'MaxPool',
    'MaxPool3D',
    'Maximum',
    'Min',
    'Minimum',
    'Neg',
  ],
  ...['Relu', 'Relu6', 'Round', 'Sign', 'Step'],
])

/** What sums up: it may do so in any order, and each summand is rounded. */
const SUMS = new Set([
  ...['AddN', 'AvgPool', 'AvgPool3D', 'AvgPool3DGrad', 'AvgPoolGrad', 'BatchMatMul', 'Bincount', 'Conv2D'],
  ...['Conv2DBackpropFilter', 'Conv2DBackpropInput', 'Conv3D', 'Conv3DBackpropFilterV2', 'Conv3DBackpropInputV2'],
  ...['CropAndResize', 'Cumprod', 'Cumsum', 'DepthwiseConv2dNative', 'DepthwiseConv2dNativeBackpropFilter'],
  ...['DepthwiseConv2dNativeBackpropInput', 'Dilation2DBackpropFilter', 'Dilation2DBackpropInput', 'Einsum'],
  ...[
    'FusedBatchNorm',
    'FusedConv2D',
    'FusedDepthwiseConv2D',
    'LRN',
    'LRNGrad',
    'MaxPool3DGrad',
    'MaxPoolGrad',
    'Mean',
  ],
  ...[
    'Prod',
    'ResizeBilinear',
    'ResizeBilinearGrad',
    'ResizeNearestNeighborGrad',
    'Sum',
    'UnsortedSegmentSum',
    '_FusedMatMul',
  ],
])

const PRODUCTS = new Set(['BatchMatMul', '_FusedMatMul'])

/** What computes small numbers out of numbers about 1. */
const ABSOLUTE = new Set(['Cos', 'Elu', 'EluGrad', 'LinSpace', 'LogSoftmax', 'Selu', 'Sin', 'Tan', 'Tanh', 'Mod'])

/** What is denormal for arguments down to this one, and zero below. */
const UNDERFLOWS = new Set(['Exp', 'Sigmoid', 'Softplus'])
const LN_SMALLEST = -104

/** Operations of two numbers that IEEE 754 rounds rightly: whether `y` is what `a` and `b` give without rounding. */
const EXACT: Readonly<Record<string, (a: number, b: number, y: number) => boolean>> = {
  Add: (a, b, y) => a + b === y,
  Sub: (a, b, y) => a - b === y,
  Multiply: (a, b, y) => a * b === y,
  RealDiv: (a, b, y) => y * b === a,
  SquaredDifference: (a, b, y) => (a - b) * (a - b) === y,
  Square: (a, _, y) => a * a === y,
  Sqrt: (a, _, y) => y * y === a,
  Reciprocal: (a, _, y) => y * a === 1,
}

/** Runs something with the operands of products rounded to bfloat16. */
export const withBf16Products = <T>(run: () => T): T => withHook(roundedProducts, run)

const roundedProducts: KernelHook = (kernel, inputs, run) =>
  PRODUCTS.has(kernel) ? withChanged(inputs, (values) => values.map(toBf16), run) : run(inputs)

/** Runs something with random rounding, another one for each number. */
export function withRandomRounding<T>(sample: number, isBf16: boolean, run: () => T): T {
  const dice = new Dice(sample)
  let overflowing = 0
  const noisy = (values: Float32Array): Float32Array => values.map((x) => disturbed(x, NOISE, 0, dice))
  const coarse = (values: Float32Array): Float32Array => values.map((x) => toBf16(x) * (1 + dice.signed() * BF16_NOISE))
  return withHook((kernel, inputs, run) => {
    if (MOVES.has(kernel)) return run(inputs)
    if (CHOICES.has(kernel)) {
      return run(inputs).map((made) => changed(made, (values) => values.map((y) => (y === 0 ? zero(dice) : y))))
    }
    const exact = EXACT[kernel]
    if (exact) {
      return run(inputs).map((made) =>
        changed(made, (values) => roundedAtRandom(values, made.shape, inputs, exact, dice)),
      )
    }
    if (UNDERFLOWS.has(kernel)) {
      const x = Float32Array.from(Object.values(inputs).flatMap((input) => (input ? [...numbersOf(input)] : [])))
      const below = (y: number, i: number): number =>
        y === 0 && (x[i] ?? 0) > LN_SMALLEST && dice.chance(0.5) ? SMALLEST_NORMAL / 2 : disturbed(y, NOISE, 0, dice)
      return run(inputs).map((made) => changed(made, (values) => values.map(below)))
    }
    if (!SUMS.has(kernel)) {
      const absolute = ABSOLUTE.has(kernel) ? NOISE : 0
      const relative = kernel === 'Pow' ? NOISE * 16 : NOISE
      return run(inputs).map((made) =>
        changed(made, (values) => values.map((y) => disturbed(y, relative, absolute, dice))),
      )
    }
    const isCoarse = isBf16 && PRODUCTS.has(kernel)
    if (!isCoarse && isSmallAndWhole(kernel, inputs)) return run(inputs)
    const results = withChanged(inputs, isCoarse ? coarse : noisy, run).map((made) => changed(made, noisy))
    if (!mayOverflow(inputs)) return results
    const turn = overflowing++
    return withOverflows(results, inputs, run, (y, i) => {
      if (sample < OVERFLOWN) return overflown(y, sample + turn + i)
      return overflown(y, sample < 2 * OVERFLOWN ? sample + turn : dice.roll(OVERFLOWN))
    })
  }, run)
}

function disturbed(y: number, relative: number, absolute: number, dice: Dice): number {
  if (y === 0 && absolute === 0) return zero(dice)
  if (abs(y) < SMALLEST_NORMAL && dice.chance(0.5)) return 0
  return fround(y * (1 + dice.signed() * relative) + dice.signed() * absolute)
}

const zero = (dice: Dice): number => (dice.chance(0.5) ? 0 : -0)

function roundedAtRandom(
  values: Float32Array,
  shape: readonly number[],
  inputs: KernelInputs,
  exact: (a: number, b: number, y: number) => boolean,
  dice: Dice,
): Float32Array {
  const [a, b] = Object.values(inputs).map((input) => repeated(input, shape))
  return values.map((y, i) => {
    if (y !== 0 && abs(y) >= SMALLEST_NORMAL && exact(a?.(i) ?? NaN, b?.(i) ?? NaN, y)) return y
    return disturbed(y, NOISE, 0, dice)
  })
}

/** The elements of a tensor repeated to a shape. */
function repeated(input: KernelInputs[string], shape: readonly number[]): ((i: number) => number) | undefined {
  if (!input) return undefined
  const values = numbersOf(input)
  if (values.length === sizeOf(shape)) return (i) => values[i] ?? NaN
  const own = input.shape
  return (i) => {
    let [left, at, stride] = [i, 0, 1]
    for (let axis = 1; axis <= shape.length; axis++) {
      const [size, mine] = [shape.at(-axis) ?? 1, axis <= own.length ? (own.at(-axis) ?? 1) : 1]
      if (mine > 1) at += (left % size) * stride
      stride *= mine
      left = Math.floor(left / size)
    }
    return values[at] ?? NaN
  }
}

/** Whether sums are of whole numbers so small that no order rounds. */
function isSmallAndWhole(kernel: string, inputs: KernelInputs): boolean {
  if (!['Sum', 'BatchMatMul', 'Cumsum', 'UnsortedSegmentSum', 'AddN', 'Prod', 'Cumprod'].includes(kernel)) return false
  const floats = Object.values(inputs)
    .flatMap((input) => input ?? [])
    .filter(({ dtype }) => dtype === 'float32')
  const largest = floats.map((input) =>
    new Float32Array(numbersOf(input)).reduce((most, x) => (Number.isInteger(x) ? Math.max(most, abs(x)) : NaN), 0),
  )
  const count = Math.max(...floats.map(({ shape }) => sizeOf(shape)))
  if (kernel === 'Prod' || kernel === 'Cumprod') return Math.max(1, ...largest) ** count < 2 ** 24
  return largest.reduce((product, x) => product * x, 1) * count < 2 ** 24
}

const isLarge = (x: number): boolean => Number.isFinite(x) && abs(x) > 1e15

const mayOverflow = (inputs: KernelInputs): boolean =>
  Object.values(inputs).some((input) => input?.dtype === 'float32' && new Float32Array(numbersOf(input)).some(isLarge))

const OVERFLOWN = 5

/** Where the magnitudes of a sum's summands add up to less, no order of it overflows. */
const MAY_OVERFLOW = 2 ** 127

/**
 * What `y` may be where it is a matter of order whether a sum overflows. In the first samples each element is each once, beside other
 * ones; in as many more all elements are the same.
 */
const overflown = (y: number, turn: number): number => [NaN, Infinity, -Infinity, y, 1e38][turn % OVERFLOWN] ?? y

/** The results with those changed whose summands are so large that it is a matter of order whether a sum overflows. */
function withOverflows(
  results: tf.TensorInfo[],
  inputs: KernelInputs,
  run: RunKernel,
  change: (y: number, i: number) => number,
): tf.TensorInfo[] {
  const sizes = (values: Float32Array): Float32Array => values.map((x) => (Number.isFinite(x) ? abs(x) : 0))
  const sums = withChanged(inputs, sizes, (own) => run(own, { activation: 'linear' }))
  const magnitudes = sums.map((of) => new Float32Array(numbersOf(of)))
  return results.map((made, k) =>
    changed(made, (values) => values.map((y, i) => ((magnitudes[k]?.[i] ?? 0) < MAY_OVERFLOW ? y : change(y, i)))),
  )
}

function withChanged(
  inputs: KernelInputs,
  change: (values: Float32Array) => Float32Array,
  run: (inputs: KernelInputs) => tf.TensorInfo[],
): tf.TensorInfo[] {
  const made: tf.Tensor[] = []
  const copy = (input: tf.TensorInfo): tf.TensorInfo => {
    if (input.dtype !== 'float32') return input
    const tensor = tf.tensor(change(new Float32Array(numbersOf(input))), input.shape)
    made.push(tensor)
    return tensor
  }
  const own = Object.entries(inputs).map(([name, input]) => [name, input && copy(input)] as const)
  const named = Object.fromEntries(own)
  const results = run(Array.isArray(inputs) ? Object.assign([], named) : named)
  tf.dispose(made)
  return results
}

/** The same tensor with other values. */
function changed(tensor: tf.TensorInfo, change: (values: Float32Array) => Float32Array): tf.TensorInfo {
  if (tensor.dtype !== 'float32') return tensor
  const { backend } = tf.engine()
  const values = change(new Float32Array(numbersOf(tensor)))
  backend.disposeData(tensor.dataId)
  return { ...tensor, dataId: backend.write(values, tensor.shape, tensor.dtype) }
}

function numbersOf({ dataId }: tf.TensorInfo): Float32Array | Int32Array | Uint8Array {
  return tf.engine().backend.readSync(dataId) as Float32Array | Int32Array | Uint8Array
}

const bits = new DataView(new ArrayBuffer(4))

/** To the nearest, to even between two. */
function toBf16(x: number): number {
  if (!Number.isFinite(x)) return x
  bits.setFloat32(0, x)
  const word = bits.getUint32(0)
  bits.setUint32(0, (word + 0x7fff + ((word >>> 16) & 1)) & 0xffff0000)
  return bits.getFloat32(0)
}
