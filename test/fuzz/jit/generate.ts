import * as tf from '@tensorflow/tfjs'

import { Draw, type Operation } from './draw.js'
import { valuesOf } from './inputs.js'
import { operations } from './operations/table.js'
import { type DataType, type Mode, modes, type Program, pruned, type Statement, written } from './program.js'
import { evaluated, isTensor } from './project.js'
import { runPlain } from './run.js'
import { LIMIT } from './shapes.js'

const DECK = Object.entries(operations).flatMap(([name, { weight }]) => Array.from({ length: weight }, () => name))

/** The program that a seed says. Its operations are run as they are drawn: shapes that don't fit and numbers without measure go. */
export function generate(seed: number, mode: Mode): Program | undefined {
  const generator = new Generator(seed, mode)
  return generator.program(({ dice }) => {
    const count = 1 + dice.roll(dice.pick([3, 6, 12]))
    for (let tries = 0; generator.size < count && tries < 50; tries++) generator.add(dice.pick(DECK))
  })
}

/** A program of one operation of the table alone. */
export function generateOf(operation: string, seed: number, mode: Mode): Program | undefined {
  const generator = new Generator(seed, mode)
  return generator.program(() => {
    for (let tries = 0; generator.size === 0 && tries < 30; tries++) generator.add(operation)
  })
}

class Generator {
  readonly #draw: Draw
  readonly #mode: Mode
  readonly #tensors = new Map<string, tf.Tensor>()
  readonly #statements: Statement[] = []

  constructor(seed: number, mode: Mode) {
    this.#mode = mode
    this.#draw = new Draw(seed * modes.length + modes.indexOf(mode), mode, (input) => {
      this.#tensors.set(input.name, tf.tensor(valuesOf(input, 0), [...input.shape], input.dtype))
    })
  }

  /** How many operations there are. */
  get size(): number {
    return this.#statements.length
  }

  /** @param fill adds the operations */
  program(fill: (draw: Draw) => void): Program | undefined {
    tf.engine().startScope()
    try {
      const draw = this.#draw
      const { dice } = draw
      draw.fresh(draw.shape(), 'float32', 'argument')
      if (dice.chance(0.3)) draw.fresh(draw.shape())
      if (dice.chance(0.2)) draw.fresh(draw.shape(), 'int32')
      if (dice.chance(0.15)) draw.fresh(draw.shape(), 'bool')
      fill(draw)
      return this.#finished()
    } finally {
      tf.engine().endScope()
    }
  }

  /** Adds a statement, unless there is none. */
  add(name: string): void {
    const draw = this.#draw
    const [inputs, values] = [draw.inputs.length, draw.values.length]
    if (this.#statement(name)) return
    for (const { name } of draw.inputs.splice(inputs)) {
      this.#tensors.get(name)?.dispose()
      this.#tensors.delete(name)
    }
    draw.values.splice(values)
  }

  #statement(operation: string): boolean {
    const draw = this.#draw
    const drawn = operationOf(operation)
    if (this.#mode === 'grad' && drawn.hasNoGradient && draw.dice.chance(0.8)) return false
    const call = drawn.draw(draw)
    if (!call) return false
    const operands = call.operands.map(({ name }) => name)
    const statement = { name: `v${this.#statements.length}`, operation, operands, expression: call.expression }
    const made = this.#run(statement)
    if (!made) return false
    this.#statements.push(statement)
    this.#tensors.set(statement.name, made)
    const { shape, dtype } = made
    if (isKnown(dtype)) draw.values.push({ name: statement.name, shape, dtype })
    return true
  }

  #run(statement: Statement): tf.Tensor | undefined {
    try {
      return tf.tidy(() => {
        const made = evaluated(written(statement), this.#tensors)
        if (!isTensor(made) || made.size > LIMIT * 2 || made.rank > 6 || !isKnown(made.dtype)) return undefined
        if (this.#mode === 'special' || made.dtype !== 'float32' || made.size === 0) return made
        return isModest(made) ? made : undefined
      })
    } catch {
      return undefined // the operation takes no such shapes
    }
  }

  #finished(): Program | undefined {
    const { dice, inputs, values } = this.#draw
    const names = this.#statements.map(({ name }) => name)
    const last = names.at(-1)
    if (last === undefined) return undefined
    const results = [last]
    for (let i = dice.roll(4); i > 0; i--) results.push(dice.chance(0.1) ? dice.pick(values).name : dice.pick(names))
    const calling = dice.pick(['sync', 'sync', 'async', 'overlapping'] as const)
    const program = pruned({
      mode: this.#mode,
      inputs: [...inputs],
      statements: [...this.#statements],
      results: this.#mode === 'grad' ? [...new Set(results)] : results,
      assigned: this.#mode === 'grad' ? [] : this.#assigned(inputs),
      gradients: dice.pick(['arguments', 'variables', 'step'] as const),
      calling,
      inPlace: calling !== 'sync' && dice.chance(0.4),
    })
    return this.#mode !== 'grad' || hasGradients(program) ? program : undefined
  }

  #assigned(inputs: Draw['inputs']): Program['assigned'] {
    const { dice, values } = this.#draw
    return inputs.flatMap(({ name, kind, shape, dtype }) => {
      const variable = this.#tensors.get(name)
      const same = values.filter((y) => {
        // tfjs fails to assign a variable to itself, as a function that returns its argument would have it.
        const isOther = y.name !== name && this.#tensors.get(y.name) !== variable
        return isOther && y.dtype === dtype && String(y.shape) === String(shape)
      })
      if (kind !== 'variable' || same.length === 0 || dice.chance(0.4)) return []
      return [{ variable: name, value: dice.pick(same).name }]
    })
  }
}

function operationOf(name: string): Operation {
  const operation = operations[name]
  if (!operation) throw new RangeError(`No operation: ${name}`)
  return operation
}

const isKnown = (dtype: string): dtype is DataType => ['float32', 'int32', 'bool'].includes(dtype)

/** Whether tfjs has them: it lacks some operations', and those of a matrix that several are multiplied with. */
function hasGradients(program: Program): boolean {
  try {
    runPlain(program)
    return true
  } catch {
    return false
  }
}

/** Whether all numbers are finite and none is large: errors of large ones say little. */
const isModest = (tensor: tf.Tensor): boolean => tensor.dataSync().every((x: number) => Math.abs(x) < 1e4)
