import { type ElementwiseStep, elementwiseOps } from '../program/program.js'

/** An instruction whose operands are instructions. */
interface Instruction {
  readonly op: (typeof elementwiseOps)[number]
  readonly operands: readonly number[]
  /** `load`: the input; `constant`: the number's bits; `store` and `storeSum`: the output. */
  readonly detail: number
}

/** Writes the code of a fused elementwise kernel; what is asked for twice is computed once. */
export class ElementwiseCode {
  readonly #instructions: Instruction[] = []
  readonly #known = new Map<string, number>()

  load(input: number): number {
    return this.#add('load', [], input)
  }

  constant(value: number): number {
    return this.#add('constant', [], new Int32Array(new Float32Array([value]).buffer)[0] ?? 0)
  }

  compute(op: string, operands: readonly number[]): number {
    const known = elementwiseOps.find((name) => name === op)
    if (!known) throw new RangeError(`Not an operation on elements: ${op}`)
    return this.#add(known, operands, 0)
  }

  store(value: number, output: number): void {
    this.#add('store', [value], output)
  }

  storeSum(value: number, output: number): void {
    this.#add('storeSum', [value], output)
  }

  #add(op: Instruction['op'], operands: readonly number[], detail: number): number {
    const key = [op, ...operands, detail].join()
    const known = this.#known.get(key)
    if (known !== undefined) return known
    this.#instructions.push({ op, operands, detail })
    this.#known.set(key, this.#instructions.length - 1)
    return this.#instructions.length - 1
  }

  /** Gives each result a slot, which another takes once the result has been read for the last time. */
  finish(): Pick<ElementwiseStep, 'slots' | 'code'> {
    const lastUse = new Map<number, number>()
    this.#instructions.forEach(({ operands }, i) => {
      for (const operand of operands) lastUse.set(operand, i)
    })
    const slotOf = new Map<number, number>()
    const free: number[] = []
    let slots = 0
    const code = this.#instructions.flatMap(({ op, operands, detail }, i) => {
      const [a = 0, b = 0, c = 0] = operands.map((operand) => slotOf.get(operand) ?? 0)
      const stores = op === 'store' || op === 'storeSum'
      const to = stores ? detail : (free.pop() ?? slots++)
      if (!stores) slotOf.set(i, to)
      for (const operand of new Set(operands)) if (lastUse.get(operand) === i) free.push(slotOf.get(operand) ?? 0)
      return [elementwiseOps.indexOf(op), to, op === 'load' || op === 'constant' ? detail : a, b, c]
    })
    return { slots, code: Int32Array.from(code) }
  }
}
