import { valuesOf } from './inputs.js'
import { type Input, type Program, pruned, type Statement } from './program.js'

/** Whether a program still shows what is looked for. */
export type Fails = (program: Program) => Promise<boolean>

/**
 * The smallest program found that still fails: results, assignments, operations and inputs go one after the other.
 *
 * fast-check is not used for it. It makes the choices smaller of which a program was generated; a program is a graph whose
 * shapes each choice decides for all later ones, so that fewer choices are another program, which rarely fails. Here an operation
 * goes by standing aside: what used it uses one of its operands, if that has its shape, or an input of its shape.
 */
export async function shrunk(program: Program, shapeOf: ShapeOf, fails: Fails, most = 300): Promise<Program> {
  let [best, left, hasShrunk] = [program, most, true]
  while (hasShrunk) {
    hasShrunk = false
    for (const smaller of smallerThan(best, shapeOf)) {
      if (left-- <= 0) return best
      if (!(await fails(smaller))) continue
      best = smaller
      hasShrunk = true
      break
    }
  }
  return best
}

/** What a value of a program is. */
export type ShapeOf = (program: Program, name: string) => Pick<Input, 'shape' | 'dtype'> | undefined

function* smallerThan(program: Program, shapeOf: ShapeOf): Generator<Program> {
  const { results, assigned, statements, inputs } = program
  for (const [i] of results.entries()) {
    if (results.length > 1) yield pruned({ ...program, results: results.toSpliced(i, 1) })
  }
  for (const [i] of assigned.entries()) yield pruned({ ...program, assigned: assigned.toSpliced(i, 1) })
  for (const statement of [...statements].reverse()) {
    for (const operand of new Set(statement.operands)) yield pruned(replaced(program, statement, operand))
    const made = shapeOf(program, statement.name)
    if (!made || program.results.includes(statement.name)) continue
    const fill = inputs.some((input) => input.fill === 'special' || input.fill === 'oneSpecial') ? 'special' : 'normal'
    const seed = 9000 + inputs.length
    const input: Input = { name: `x${statement.name}`, kind: 'argument', fill, seed, ...made }
    yield pruned(replaced({ ...program, inputs: [...inputs, input] }, statement, input.name))
  }
  if (program.calling !== 'sync') yield { ...program, calling: 'sync', inPlace: false }
  for (const [i, input] of inputs.entries()) {
    if (input.kind !== 'argument' && !assigned.some(({ variable }) => variable === input.name)) {
      yield { ...program, inputs: inputs.with(i, { ...input, kind: 'argument' }) }
    }
    if (input.dtype === 'float32' && input.fill !== 'grid') {
      yield { ...program, inputs: inputs.with(i, { ...input, fill: 'grid' }) }
    }
  }
}

/** The program without a statement, another value in its place. */
function replaced(program: Program, statement: Statement, by: string): Program {
  const renamed = (name: string): string => (name === statement.name ? by : name)
  return {
    ...program,
    statements: program.statements
      .filter((other) => other !== statement)
      .map((other) => ({ ...other, operands: other.operands.map(renamed) })),
    results: [...new Set(program.results.map(renamed))],
    assigned: program.assigned.map(({ variable, value }) => ({ variable, value: renamed(value) })),
  }
}

/** A program as JavaScript that can be read and tried. */
export function asJavaScript(inputs: readonly Input[], source: string): string {
  const lines = inputs.map((input) => {
    const values = [...valuesOf(input, 0)].map((x) => (Object.is(x, -0) ? '-0' : String(x)))
    const shown = values.length <= 40 ? `[${values.join(', ')}]` : `/* ${input.fill} numbers of seed ${input.seed} */`
    const tensor = `tf.tensor(${shown}, [${input.shape.join(', ')}], '${input.dtype}')`
    return `const ${input.name} = ${input.kind === 'variable' ? `tf.variable(${tensor})` : tensor} // ${input.kind}`
  })
  return [...lines, `const f = ${source}`].join('\n')
}
