/**
 * Programs: functions of tensors as data, so that they can be written down, run and made smaller.
 *
 * @module
 */
import type { Shape } from './shapes.js'

export const modes = ['normal', 'special', 'grad', 'bf16'] as const

/**
 * What a program is about. `special`: NaN, infinities, large values and denormals among its inputs; `grad`: it returns gradients;
 * `bf16`: products multiply bfloat16.
 */
export type Mode = (typeof modes)[number]

export type DataType = 'float32' | 'int32' | 'bool'

/** What fills an input: normal numbers, small whole ones, special ones (many, or a single one), whole ones for indices. */
export type Fill = 'normal' | 'grid' | 'special' | 'oneSpecial' | 'index'

/** A tensor from outside. */
export interface Input {
  readonly name: string
  /** An argument of the function, or a tensor or variable around it. */
  readonly kind: 'argument' | 'constant' | 'variable'
  readonly shape: Shape
  readonly dtype: DataType
  readonly fill: Fill
  readonly seed: number
}

/** `name = expression`, with `$0`, `$1`, … for the operands. */
export interface Statement {
  readonly name: string
  /** The operation of the fuzzer's table that it comes from. */
  readonly operation: string
  readonly operands: readonly string[]
  readonly expression: string
}

/** How the function is called: call after call, by `async`, or by `async` with the next call before the first has ended. */
export type Calling = 'sync' | 'async' | 'overlapping'

export interface Program {
  readonly mode: Mode
  readonly inputs: readonly Input[]
  readonly statements: readonly Statement[]
  readonly results: readonly string[]
  /** Which value each variable gets at the end. */
  readonly assigned: readonly { readonly variable: string; readonly value: string }[]
  /** `grad`: of the arguments, of the variables, or of the variables and a step down it. */
  readonly gradients: 'arguments' | 'variables' | 'step'
  readonly calling: Calling
  /** Whether asynchronous calls write variables in place. */
  readonly inPlace: boolean
}

/** The program without what nothing uses. */
export function pruned(program: Program): Program {
  const used = new Set([...program.results, ...program.assigned.flatMap(({ variable, value }) => [variable, value])])
  for (const { name, operands } of [...program.statements].reverse()) {
    if (used.has(name)) for (const operand of operands) used.add(operand)
  }
  return {
    ...program,
    statements: program.statements.filter(({ name }) => used.has(name)),
    inputs: program.inputs.filter(({ name }) => used.has(name)),
  }
}

export const argumentsOf = ({ inputs }: Program): readonly Input[] => inputs.filter(({ kind }) => kind === 'argument')

/** A statement's expression with its operands in their places. */
export const written = ({ expression, operands }: Pick<Statement, 'expression' | 'operands'>): string =>
  expression.replace(/\$(\d)/g, (_, i: string) => operands[Number(i)] ?? 'undefined')

/** The function as JavaScript that sees `tf`, `siglip` and the inputs that are no arguments. */
export function sourceOf(program: Program): string {
  const { statements, results, assigned } = program
  const names = argumentsOf(program).map(({ name }) => name)
  const lines = statements.map((statement) => `const ${statement.name} = ${written(statement)}`)
  const assignments = assigned.map(({ variable, value }) => `${variable}.assign(${value})`)
  const body =
    program.mode === 'grad' ? gradientOf(program, lines) : [...lines, ...assignments, `return [${results.join(', ')}]`]
  return [`(${names.join(', ')}) => {`, ...body.map((line) => `  ${line}`), '}'].join('\n')
}

/** The mean squares of the results, summed up, and what they change with. */
function gradientOf(program: Program, lines: readonly string[]): string[] {
  const floats = argumentsOf(program).filter(({ dtype }) => dtype === 'float32')
  const variables = program.inputs.filter(({ kind }) => kind === 'variable').map(({ name }) => name)
  const ofVariables = program.gradients !== 'arguments' && variables.length > 0
  const given = ofVariables ? '' : floats.map(({ name }) => name).join(', ')
  const squares = program.results.map((name) => `tf.mean(tf.square(tf.cast(${name}, 'float32')))`)
  const loss = [
    `const loss = (${given}) => {`,
    ...lines.map((line) => `  ${line}`),
    `  return ${squares.reduce((a, b) => `tf.add(${a}, ${b})`)}`,
    '}',
  ]
  if (!ofVariables) {
    return [...loss, `const { value, grads } = tf.valueAndGrads(loss)([${given}])`, 'return [value, ...grads]']
  }
  const gradients = variables.map((name) => `grads[${name}.name]`)
  const steps = variables.map((name, i) => `${name}.assign(tf.sub(${name}, tf.mul(0.1, ${gradients[i] ?? ''})))`)
  return [
    ...loss,
    `const { value, grads } = tf.variableGrads(loss, [${variables.join(', ')}])`,
    ...(program.gradients === 'step' ? steps : []),
    `return [value, ${gradients.join(', ')}]`,
  ]
}
