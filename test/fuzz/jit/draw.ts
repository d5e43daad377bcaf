import { Dice } from './dice.js'
import type { DataType, Fill, Input, Mode } from './program.js'
import { alphabetOf, LIMIT, type Shape, shapeOf, sizeOf, together } from './shapes.js'

/** A value that a statement can use. */
export interface Operand {
  readonly name: string
  readonly shape: Shape
  readonly dtype: DataType
}

/** An expression with `$0`, `$1`, … for its operands. */
export interface Call {
  readonly expression: string
  readonly operands: readonly Operand[]
}

/** An operation of the table: how often it is drawn, and what a call of it is, if what there is allows one. */
export interface Operation {
  readonly weight: number
  readonly draw: (draw: Draw) => Call | undefined
  /** Left out where gradients are wanted: tfjs has none. */
  readonly hasNoGradient?: boolean
}

export type Table = Readonly<Record<string, Operation>>

export const call = (expression: string, ...operands: readonly Operand[]): Call => ({ expression, operands })

type Fits = (operand: Operand) => boolean

const anyway: Fits = () => true

export const rankOf = ({ shape }: Operand): number => shape.length

export const sizeIs =
  (limit: number): Fits =>
  ({ shape }) =>
    sizeOf(shape) <= limit

/** What an operation is drawn from: dice, and the values there are. */
export class Draw {
  readonly dice: Dice
  readonly mode: Mode
  readonly values: Operand[] = []
  readonly inputs: Input[] = []
  readonly #alphabet: Shape
  readonly #seed: number
  /** Called with each new input. */
  readonly #made: (input: Input) => void

  constructor(seed: number, mode: Mode, made: (input: Input) => void) {
    this.dice = new Dice(seed)
    this.mode = mode
    this.#seed = seed
    this.#alphabet = alphabetOf(this.dice)
    this.#made = made
  }

  shape(): Shape {
    return shapeOf(this.dice, this.#alphabet)
  }

  /** One of the values, mostly a late one. */
  any(fits: Fits = anyway): Operand | undefined {
    const found = this.values.filter(fits)
    if (found.length === 0) return undefined
    return this.dice.chance(0.6) ? found[Math.max(0, found.length - 1 - this.dice.roll(3))] : this.dice.pick(found)
  }

  float(fits: Fits = anyway): Operand | undefined {
    return this.any((operand) => operand.dtype === 'float32' && fits(operand))
  }

  int(fits: Fits = anyway): Operand | undefined {
    return this.any((operand) => operand.dtype === 'int32' && fits(operand))
  }

  bool(fits: Fits = anyway): Operand | undefined {
    return this.any((operand) => operand.dtype === 'bool' && fits(operand))
  }

  /** A new input; a weight is a tensor from outside. */
  fresh(shape: Shape, dtype: DataType = 'float32', role: 'data' | 'weight' | 'argument' = 'data'): Operand {
    const kinds =
      role === 'argument'
        ? (['argument'] as const)
        : role === 'weight'
          ? (['constant', 'variable', 'constant', 'argument'] as const)
          : (['argument', 'argument', 'constant', 'variable'] as const)
    const kind = this.dice.pick(kinds)
    const name = `${kind === 'argument' ? 'x' : kind === 'constant' ? 'c' : 'w'}${this.inputs.length}`
    const input: Input = {
      ...{ name, kind, shape: [...shape], dtype, fill: this.#fill(dtype) },
      seed: this.#seed * 64 + this.inputs.length,
    }
    this.inputs.push(input)
    this.values.push(input)
    this.#made(input)
    return input
  }

  #fill(dtype: DataType): Fill {
    if (dtype === 'int32') return this.dice.pick(['index', 'grid'])
    if (this.mode === 'special') return this.dice.pick(['special', 'oneSpecial', 'normal', 'grid'])
    return this.dice.chance(0.1) ? 'grid' : 'normal'
  }

  /** What an operation of two takes beside `x`: one of the values, or a new input in which some dimensions are 1 or missing. */
  partner(x: Operand): Operand {
    const fits: Fits = (y) => {
      const shape = y !== x && y.dtype === x.dtype && together(x.shape, y.shape)
      return shape !== false && shape !== undefined && shape.length <= 6 && sizeOf(shape) <= LIMIT
    }
    const known = this.dice.chance(0.65) ? this.any(fits) : undefined
    if (known) return known
    const shape = x.shape.map((size) => (this.dice.chance(0.25) ? 1 : size))
    return this.fresh(shape.slice(this.dice.chance(0.3) ? this.dice.roll(shape.length + 1) : 0), x.dtype)
  }

  /** One of the texts; the way to write a choice inside an expression. */
  word(...words: readonly string[]): string {
    return this.dice.pick(words)
  }
}
