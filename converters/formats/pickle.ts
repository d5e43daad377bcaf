import { FormatError, type ErrorDetail } from '../../src/errors.js'

/** More lists, tuples and dictionaries than a checkpoint of 30,000 weights has: memory is not taken for more. */
const MAX_CONTAINERS = 300_000

/** What a pickle may call: a function of ours under the name of Python's. */
export class PickleFunction {
  constructor(readonly call: (args: readonly unknown[]) => unknown) {}
}

/** What the names in a pickle mean. Nothing else is ever looked up, and nothing of Python is run. */
export interface PickleWorld {
  /** The value of a name, `undefined` for those that are not allowed. */
  find(module: string, name: string): unknown
  /** The value of a persistent id. */
  load(id: unknown): unknown
  /** The file, for messages. */
  readonly where: string
}

/**
 * Reads one pickle of protocol 2 to 5 as data: numbers, strings, arrays (lists and tuples), Maps, Sets, and what the functions of
 * the world return. State given to objects is dropped.
 *
 * @returns the value and where the pickle ends, or `undefined` if the bytes end before it.
 * @throws FormatError if it is damaged, or asks for a name that the world does not know.
 */
export function readPickle(
  bytes: Uint8Array,
  begin: number,
  world: PickleWorld,
): { value: unknown; end: number } | undefined {
  try {
    return new Machine(bytes, begin, world).run()
  } catch (error) {
    if (error instanceof Ended) return undefined
    throw error
  }
}

class Ended extends Error {}

/** The machine that a pickle is a program for: a stack, marks in it, and a memory of what was made. */
class Machine {
  private stack: unknown[] = []
  private readonly marks: unknown[][] = []
  private readonly memo = new Map<number, unknown>()
  private readonly view: DataView
  private containers = 0

  constructor(
    private readonly bytes: Uint8Array,
    private at: number,
    private readonly world: PickleWorld,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  }

  run(): { value: unknown; end: number } {
    for (;;) {
      const opcode = String.fromCharCode(this.uint(1))
      if (opcode === '.') return { value: this.pop(), end: this.at }
      const value = this.step(opcode)
      if (value !== undefined) this.stack.push(value)
    }
  }

  /** Follows one instruction, and returns what it puts on the stack. */
  private step(opcode: string): unknown {
    switch (opcode) {
      case '\x80': // PROTO
        return void this.take(1)
      case '\x95': // FRAME
        return void this.take(8)
      // constants
      case 'N':
        return null
      case '\x88':
        return true
      case '\x89':
        return false
      case 'J': // BININT
        return this.view.getInt32(this.take(4), true)
      case 'K': // BININT1
        return this.uint(1)
      case 'M': // BININT2
        return this.uint(2)
      case '\x8a': // LONG1
        return this.long(this.uint(1))
      case '\x8b': // LONG4
        return this.long(this.uint(4))
      case 'G': // BINFLOAT
        return this.view.getFloat64(this.take(8), false)
      case '\x8c': // SHORT_BINUNICODE
      case 'U': // SHORT_BINSTRING
        return this.text(this.uint(1))
      case 'X': // BINUNICODE
      case 'T': // BINSTRING
        return this.text(this.uint(4))
      case '\x8d': // BINUNICODE8
        return this.text(this.uint(8))
      case 'C': // SHORT_BINBYTES
        return this.raw(this.uint(1))
      case 'B': // BINBYTES
        return this.raw(this.uint(4))
      // containers
      case '(': // MARK
        this.marks.push(this.stack)
        this.stack = this.counted([])
        return
      case ')': // EMPTY_TUPLE
      case ']': // EMPTY_LIST
        return this.counted([])
      case '}': // EMPTY_DICT
        return this.counted(new Map())
      case '\x8f': // EMPTY_SET
        return this.counted(new Set())
      case '\x85': // TUPLE1, 2, 3
        return this.counted(this.popMany(1))
      case '\x86':
        return this.counted(this.popMany(2))
      case '\x87':
        return this.counted(this.popMany(3))
      case 't': // TUPLE
      case 'l': // LIST
        return this.counted(this.popMark())
      case 'd': // DICT
        return this.counted(this.fill(new Map(), this.popMark()))
      case '\x91': // FROZENSET
        return this.counted(new Set(this.popMark()))
      case 'a': {
        const [item] = this.popMany(1)
        return void this.topArray().push(item)
      }
      case 'e': {
        const items = this.popMark()
        const list = this.topArray()
        for (const item of items) list.push(item)
        return
      }
      case 's': {
        const pair = this.popMany(2)
        return void this.fill(this.topMap(), pair)
      }
      case 'u': {
        const pairs = this.popMark()
        return void this.fill(this.topMap(), pairs)
      }
      case '\x90': {
        const items = this.popMark()
        const set = this.stack.at(-1)
        if (!(set instanceof Set)) throw this.damaged('items for no set')
        for (const item of items) set.add(item)
        return
      }
      // stack and memory
      case '0': // POP
        return void this.pop()
      case '1': // POP_MARK
        return void this.popMark()
      case '2': // DUP
        return this.top()
      case 'q': // BINPUT
        return void this.memo.set(this.uint(1), this.top())
      case 'r': // LONG_BINPUT
        return void this.memo.set(this.uint(4), this.top())
      case '\x94': // MEMOIZE
        return void this.memo.set(this.memo.size, this.top())
      case 'h': // BINGET
        return this.recall(this.uint(1))
      case 'j': // LONG_BINGET
        return this.recall(this.uint(4))
      // names, and what is made with them
      case 'c': // GLOBAL
        return this.find(this.line(), this.line())
      case '\x93': {
        const [module, name] = this.popMany(2)
        return this.find(String(module), String(name))
      }
      case 'R': // REDUCE
      case '\x81': // NEWOBJ
        return this.call()
      case 'b': // BUILD: the state is ignored, but belongs to an object
        this.pop()
        return void this.top()
      case 'Q': // BINPERSID
        return this.world.load(this.pop())
      default:
        throw this.damaged(`the instruction ${JSON.stringify(opcode)}`)
    }
  }

  private find(module: string, name: string): unknown {
    const value = this.world.find(module, name)
    if (value !== undefined) return value
    throw new FormatError('The pickle asks for something that weights don’t need', {
      expected: 'tensors and plain values',
      found: `${module}.${name}`.slice(0, 200),
      where: this.world.where,
      hint: 'It is not run. Save only the weights: torch.save(model.state_dict(), …), or as safetensors.',
    })
  }

  private call(): unknown {
    const [callee, args] = this.popMany(2)
    if (!(callee instanceof PickleFunction) || !Array.isArray(args))
      throw this.damaged('a call of something that is not a function')
    return this.counted(callee.call(args))
  }

  private fill(map: Map<unknown, unknown>, pairs: readonly unknown[]): Map<unknown, unknown> {
    if (pairs.length % 2 === 1) throw this.damaged('a key without a value')
    for (let i = 0; i < pairs.length; i += 2) map.set(pairs[i], pairs[i + 1])
    return map
  }

  /** Passes a container on, or throws if there are too many. */
  private counted<T>(container: T): T {
    if (++this.containers > MAX_CONTAINERS) throw this.damaged(`more than ${MAX_CONTAINERS} lists and dictionaries`)
    return container
  }

  private pop(): unknown {
    return this.popMany(1)[0]
  }

  private popMany(count: number): unknown[] {
    if (this.stack.length < count) throw this.damaged('an empty stack')
    return this.stack.splice(-count)
  }

  private popMark(): unknown[] {
    const items = this.stack
    const before = this.marks.pop()
    if (before === undefined) throw this.damaged('no mark')
    this.stack = before
    return items
  }

  private top(): unknown {
    if (this.stack.length === 0) throw this.damaged('an empty stack')
    return this.stack.at(-1)
  }

  private topArray(): unknown[] {
    const list = this.top()
    if (Array.isArray(list)) return list
    throw this.damaged('an item for no list')
  }

  private topMap(): Map<unknown, unknown> {
    const map = this.top()
    if (map instanceof Map) return map
    throw this.damaged('an entry for no dictionary')
  }

  private recall(index: number): unknown {
    if (!this.memo.has(index)) throw this.damaged(`nothing under number ${index}`)
    return this.memo.get(index)
  }

  /** Where the next bytes begin, which are then passed. */
  private take(length: number): number {
    if (this.at + length > this.bytes.length) throw new Ended()
    this.at += length
    return this.at - length
  }

  private uint(width: 1 | 2 | 4 | 8): number {
    const at = this.take(width)
    if (width === 8) return Number(this.view.getBigUint64(at, true))
    return width === 4
      ? this.view.getUint32(at, true)
      : width === 2
        ? this.view.getUint16(at, true)
        : this.view.getUint8(at)
  }

  private raw(length: number): Uint8Array {
    const at = this.take(length)
    return this.bytes.subarray(at, at + length)
  }

  private text(length: number): string {
    return new TextDecoder().decode(this.raw(length))
  }

  /** A whole number of any length, two's complement, lowest byte first. */
  private long(length: number): number | bigint {
    if (length > 255) throw this.damaged(`a number of ${length} bytes`)
    const digits = [...this.raw(length)].reverse().map((byte) => byte.toString(16).padStart(2, '0'))
    const value = BigInt.asIntN(8 * length, BigInt(`0x${digits.join('') || '0'}`))
    return BigInt.asIntN(53, value) === value ? Number(value) : value
  }

  private line(): string {
    const end = this.bytes.indexOf(0x0a, this.at)
    if (end < 0) throw new Ended()
    const text = this.text(end - this.at)
    this.at++
    return text
  }

  private damaged(found: string): FormatError {
    const detail: ErrorDetail = { expected: 'tensors and plain values', found, where: this.world.where }
    return new FormatError('The pickle is damaged or of another kind', { ...detail, hint: 'Fetch or save it again.' })
  }
}
