/**
 * The lists that programs are encoded with: what stands in a program is an entry's index. The engine's own are in
 * native/program/ops.def; {@link tablesDifference} compares the two when an engine is loaded.
 */
export const tables = {
  limits: {
    /** The version of the words' order and meaning: rises with ops.def's when either changes. */
    encoding: 3,
    /** Dimensions of a view. */
    maxRank: 6,
    /** What offsets in the arena are multiples of, in bytes: what the kernels read fastest from. */
    arenaAlignment: 64,
    /** Of a fused elementwise kernel. */
    maxSlots: 65536,
    /** Operation, to, a, b, c. */
    instructionWords: 5,
  },
  /** Types in the engine's memory; bfloat16 exists nowhere else. */
  dtypes: ['float32', 'bfloat16', 'int32', 'bool'],
  buffers: ['argument', 'capture', 'constant', 'arena', 'result'],
  steps: ['product', 'attention', 'elementwise', 'copy', 'gather', 'segmentSum', 'tensorflow', 'check'],
  /** `none` or what a product's epilogue applies. */
  activations: ['none', 'geluTanh', 'gelu', 'relu', 'silu', 'quickGelu'],
  /** Of a fused elementwise kernel; from `negative` on, those on each element. */
  operations: [
    ...['load', 'constant', 'store', 'storeSum', 'rowSum', 'rowMax'],
    ...['negative', 'abs', 'sign', 'square', 'sqrt', 'rsqrt', 'reciprocal', 'exp', 'expm1', 'log', 'log1p'],
    ...['tanh', 'erf', 'sigmoid', 'softplus', 'relu', 'floor', 'ceil', 'round', 'isNan', 'not'],
    ...['add', 'subtract', 'multiply', 'divide', 'power', 'minimum', 'maximum', 'squaredDifference'],
    ...['equal', 'notEqual', 'less', 'lessEqual', 'greater', 'greaterEqual', 'and', 'or'],
    ...['select', 'multiplyAdd'],
  ],
  /** Kinds of attributes of TensorFlow's operations. */
  attributes: ['bool', 'int', 'float', 'string', 'type', 'ints', 'types'],
} as const

/** @returns where an engine's tables are other ones than these, as `list: expected …, found …`; undefined if nowhere. */
export function tablesDifference(found: unknown): string | undefined {
  for (const [name, expected] of Object.entries(tables)) {
    const list = isRecord(found) ? found[name] : undefined
    if (!same(expected, list)) return `${name}: expected ${JSON.stringify(expected)}, found ${JSON.stringify(list)}`
  }
  return undefined
}

function same(expected: object, found: unknown): boolean {
  if (!isRecord(found)) return false
  const entries = Object.entries(expected)
  return Object.keys(found).length === entries.length && entries.every(([name, value]) => found[name] === value)
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}
