import { at, intsOf, isElementwise, madeBy, sizeOf } from '../graph-builder.js'
import { type Graph, type Node, nodesOf, type Operation, type Value } from '../graph.js'
import type { ElementType } from '../program/program.js'
import { baseOf, type Clusters, isReduction, isView, unshaped } from './clusters.js'

/** Multiplications that take no time worth rounding for, and elements of a matrix that many rows are multiplied by. */
const SMALL = { product: 2 ** 24, matrix: 2 ** 17 }

interface Reader {
  readonly node: Operation
  readonly input: number
}

/** How many of an operation's inputs it makes bfloat16 of anyway. */
const OPERANDS: Readonly<Record<string, number>> = { product: 2, attention: 3 }

/** What products multiply, and whether what they read may be stored as that. */
export interface StorageOptions {
  readonly precision: 'float32' | 'bfloat16'
  readonly isStoredWide?: boolean
}

/** How the values that are stored lie in memory: as results, as bfloat16, with dimensions in another order. */
export class Storage {
  readonly #clusters: Clusters
  readonly #halves: boolean
  readonly #storesHalves: boolean
  readonly #users = new Map<Value, Reader[]>()
  readonly #results = new Map<Value, number>()
  readonly #returned: ReadonlySet<Value>

  constructor(graph: Graph, clusters: Clusters, { precision, isStoredWide = false }: StorageOptions) {
    this.#clusters = clusters
    this.#halves = precision === 'bfloat16'
    this.#storesHalves = this.#halves && !isStoredWide
    for (const node of nodesOf(graph.results)) {
      if (node.kind !== 'operation') continue
      node.inputs.forEach((value, input) => {
        const users = this.#users.get(value) ?? []
        this.#users.set(value, users)
        users.push({ node, input })
      })
    }
    this.#returned = new Set(graph.results)
    graph.results.forEach((result, index) => {
      const value = unshaped(result)
      const computed = value.node.kind === 'operation' && !isView(value.node)
      if (computed && !clusters.isRecomputed(value.node) && !this.#results.has(value)) this.#results.set(value, index)
    })
  }

  /** Which of the results a value's memory becomes. */
  resultOf(value: Value): number | undefined {
    return this.#results.get(value)
  }

  /** The order of a value's dimensions in memory, the outermost first. */
  orderOf(value: Value): readonly number[] {
    const identity = value.shape.map((_, i) => i)
    const [user, ...others] = this.#users.get(value) ?? []
    if (user?.node.op !== 'transpose' || others.length > 0 || !takesAnyOrder(value.node)) return identity
    const order = intsOf(user.node, 'order')
    return order.at(-1) === identity.at(-1) ? order : identity
  }

  /** bfloat16 if only products read it, which would make that of it anyway. */
  typeOf(value: Value): ElementType {
    const { node, dtype } = value
    if (!this.#storesHalves || dtype !== 'float32' || !takesAnyType(node) || this.#results.has(value)) return dtype
    return this.#isMultiplied(value) ? 'bfloat16' : dtype
  }

  /** What a product or attention multiplies: logits and what is made of them, small products of what no weight is part of, are not rounded. */
  precisionOf(node: Operation): 'float32' | 'bfloat16' {
    if (!this.#halves) return 'float32'
    if (node.op !== 'product') return 'bfloat16'
    const operands = node.inputs.slice(0, 2)
    const flat = operands.every(({ shape }) => shape.length === 2)
    const computed = operands.every((operand) => baseOf(operand).node.kind === 'operation')
    return flat && computed && isOfLogits(node) ? 'float32' : 'bfloat16'
  }

  /** The type of a copy of a value that is made to have its elements in order. */
  copiedTypeOf(value: Value): ElementType {
    const { dtype } = value
    return this.#storesHalves && dtype === 'float32' && this.#isMultiplied(value) ? 'bfloat16' : dtype
  }

  #isMultiplied(value: Value): boolean {
    if (this.#isReturned(value)) return false
    const maker = baseOf(value).node
    const readers = this.#readersOf(value).filter(({ node }) => {
      const cluster = this.#clusters.clusterOf(node)
      return cluster === undefined || cluster !== this.#clusters.clusterOf(maker)
    })
    const operands = readers.filter(
      ({ node, input }) => input < (OPERANDS[node.op] ?? 0) && this.precisionOf(node) === 'bfloat16',
    )
    // A sum over many rounds off less than each of them does.
    return (
      operands.length > 0 && readers.every((reader) => operands.includes(reader) || this.#clusters.isTotal(reader.node))
    )
  }

  /** Who reads a value's memory, be it through views. */
  #readersOf(value: Value): readonly Reader[] {
    return this.#viewsOf(value).flatMap((view) => (this.#users.get(view) ?? []).filter(({ node }) => !isView(node)))
  }

  #isReturned(value: Value): boolean {
    return this.#viewsOf(value).some((view) => this.#returned.has(view))
  }

  /** A value, and what is seen of its memory through views. */
  #viewsOf(value: Value): readonly Value[] {
    const views = new Set([value])
    for (const view of views) {
      for (const { node } of this.#users.get(view) ?? []) if (isView(node)) views.add(at(node.outputs, 0))
    }
    return [...views]
  }
}

/** Whether an operation's result may lie in any order whose last dimension is its own last. */
function takesAnyOrder(node: Node): boolean {
  return node.kind === 'operation' && (isElementwise(node) || node.op === 'product' || node.op === 'attention')
}

/** Whether an operation may make bfloat16. */
function takesAnyType(node: Node): boolean {
  return takesAnyOrder(node) && !isReduction(node)
}

/**
 * Whether a product of two computed matrices is one of logits, or of their gradients. How many rows the first one has decides nothing, so that
 * each is multiplied as it would be alone.
 */
function isOfLogits({ inputs, outputs }: Operation): boolean {
  const [a, b] = [at(inputs, 0), at(inputs, 1)]
  if (madeBy(a, 'transpose')) return sizeOf(at(outputs, 0).shape) * at(b.shape, 0) <= SMALL.product // a sum over rows
  return madeBy(b, 'transpose') !== undefined || sizeOf(b.shape) <= SMALL.matrix
}
