import { at, intsOf, isElementwise, madeBy, sizeOf } from '../graph-builder.js'
import { type Graph, type Node, nodesOf, type Operation, type Value } from '../graph.js'

/** How a value lies in a loop over rows: an element for each of the loop's, or one for each row. */
export interface Place {
  readonly rows: number
  readonly columns: number
  readonly perRow: boolean
}

/** Row operations done in one pass over memory. */
export interface Cluster {
  readonly kind: 'cluster'
  readonly rows: number
  readonly columns: number
  /** In the order they were recorded. */
  readonly members: readonly Operation[]
  /** Members whose values others read. */
  readonly stored: readonly Operation[]
}

export interface Single {
  readonly kind: 'single'
  readonly node: Operation
}

export type Unit = Cluster | Single

export const isReduction = (node: Node): boolean =>
  node.kind === 'operation' && (node.op === 'sum' || node.op === 'max')

/** The node, if it works on rows. */
function rowOperation(node: Node): Operation | undefined {
  return node.kind === 'operation' && (isElementwise(node) || isReduction(node)) ? node : undefined
}

/** Operations that only say where elements lie. */
export const isView = (node: Node): boolean =>
  node.kind === 'operation' && ['reshape', 'transpose', 'slice', 'broadcast'].includes(node.op)

const output = (node: Operation): Value => at(node.outputs, 0)

/** The value that has the same elements in the same order. */
export function unshaped(value: Value): Value {
  let plain = value
  for (let reshape = madeBy(plain, 'reshape'); reshape; reshape = madeBy(plain, 'reshape')) {
    plain = at(reshape.inputs, 0)
  }
  return plain
}

/** The value whose memory a value's elements lie in. */
export function baseOf(value: Value): Value {
  let base = value
  while (base.node.kind === 'operation' && isView(base.node)) base = at(base.node.inputs, 0)
  return base
}

const lastSize = (shape: readonly number[]): number => shape.findLast((size) => size !== 1) ?? 1

/**
 * Which row operations go through memory together. Each operation stands on a level: above everything it reads, but on the same
 * level as what the same pass makes. Thus nothing on a level waits for anything else on it, and what has the same level and the
 * same rows may be one pass. Values that are as quickly computed again as read are never stored.
 */
export class Clusters {
  readonly #nodes: readonly Node[]
  readonly #places = new Map<Node, Place>()
  readonly #stored = new Set<Node>()
  readonly #recomputed = new Set<Node>()
  readonly #levels = new Map<Node, number>()
  readonly #sources = new Map<Node, ReadonlySet<Value>>()
  readonly #clusterOf = new Map<Node, Cluster>()

  constructor(graph: Graph) {
    this.#nodes = nodesOf(graph.results)
    for (const node of this.#nodes) {
      const operation = rowOperation(node)
      if (operation) this.#places.set(node, this.#placeOf(operation))
    }
    this.#findStored(graph.results)
    for (const node of this.#nodes) this.#visit(node)
    for (const cluster of this.#clusters()) for (const member of cluster.members) this.#clusterOf.set(member, cluster)
  }

  /** Whether the sums of a reduction come only when the whole pass is done. */
  isTotal(node: Operation): boolean {
    return node.op === 'sum' && this.#places.get(node)?.perRow === false
  }

  place(node: Operation): Place {
    const place = this.#places.get(node)
    if (!place) throw new RangeError(`${node.op} is no row operation`)
    return place
  }

  /** The operation whose result `node` can take over without going through memory. */
  inside(node: Operation, input: Value): Operation | undefined {
    const maker = rowOperation(unshaped(input).node)
    if (!maker || this.isTotal(maker)) return undefined
    const [from, to] = [this.place(maker), this.place(node)]
    if (from.rows !== to.rows || from.columns !== to.columns) return undefined
    if (isReduction(node)) return from.perRow ? undefined : maker
    if (from.perRow === to.perRow) return sizeOf(input.shape) === sizeOf(output(node).shape) ? maker : undefined
    return from.perRow && isRowOf(input.shape, output(node).shape) ? maker : undefined
  }

  /** Whether a value is made anew in each pass that needs it. */
  isRecomputed(node: Node): boolean {
    return this.#recomputed.has(node)
  }

  /** The pass that an operation is done in. */
  clusterOf(node: Node): Cluster | undefined {
    return this.#clusterOf.get(node)
  }

  /** Everything to do, in an order that can be done. */
  units(): readonly Unit[] {
    return ordered(this.#nodes, (node) => {
      if (isView(node) || this.#recomputed.has(node) || node.kind !== 'operation') return undefined
      return this.#clusterOf.get(node) ?? { kind: 'single', node }
    })
  }

  #placeOf(node: Operation): Place {
    const { shape } = output(node)
    const count = sizeOf(shape)
    if (isReduction(node)) {
      const source = at(node.inputs, 0).shape
      const axes = intsOf(node, 'axes')
      const kept = source.flatMap((size, i) => (size === 1 || axes.includes(i) ? [] : [i]))
      const suffix = axes.every((axis) => axis > (kept.at(-1) ?? -1))
      if (suffix && (axes.length === 1 || node.op === 'max')) {
        return { rows: count, columns: sizeOf(source) / count, perRow: true }
      }
      const columns = lastSize(source)
      return { rows: sizeOf(source) / columns, columns, perRow: false }
    }
    for (const input of node.inputs) {
      const maker = unshaped(input).node
      const place = this.#places.get(maker)
      if (place?.perRow && place.rows === count && sizeOf(input.shape) === count) return place
    }
    const columns = lastSize(shape)
    return { rows: columns === 0 ? 0 : count / columns, columns, perRow: false }
  }

  #findStored(results: readonly Value[]): void {
    const store = (value: Value): void => void this.#stored.add(baseOf(value).node)
    results.forEach(store)
    for (const node of this.#nodes) {
      if (node.kind !== 'operation' || isView(node)) continue
      const row = rowOperation(node)
      for (const input of node.inputs) if (!row || !this.inside(row, input)) store(input)
      if (row && this.isTotal(row)) this.#stored.add(row)
    }
  }

  #visit(node: Node): void {
    if (node.kind !== 'operation') {
      this.#levels.set(node, -1)
      return
    }
    if (isView(node)) return
    const row = rowOperation(node)
    const sources = new Set<Value>()
    let level = 0
    for (const input of node.inputs) {
      const maker = row ? this.inside(row, input) : undefined
      const base = baseOf(input)
      level = Math.max(level, maker ? this.#level(maker) : this.#level(base.node) + 1)
      if (maker && this.#recomputed.has(maker)) for (const source of this.#sourcesOf(maker)) sources.add(source)
      else if (base.node.kind !== 'constant') sources.add(base)
    }
    this.#levels.set(node, level)
    this.#sources.set(node, sources)
    if (!isElementwise(node) || this.#stored.has(node)) return
    // Reading one array of the result's size is no more than reading the result.
    const size = sizeOf(output(node).shape)
    const large = [...sources].filter(({ shape }) => sizeOf(shape) >= size)
    if (large.length <= 1 && sources.size <= MAX_SOURCES) this.#recomputed.add(node)
  }

  #level(node: Node): number {
    return this.#levels.get(node) ?? -1
  }

  #sourcesOf(node: Node): ReadonlySet<Value> {
    return this.#sources.get(node) ?? new Set()
  }

  #clusters(): readonly Cluster[] {
    const groups = new Groups()
    const members = this.#nodes.flatMap((node) => (this.#recomputed.has(node) ? [] : (rowOperation(node) ?? [])))
    const readers = new Map<string, Node>()
    const numbers = new Map(this.#nodes.map((node, i) => [node, i]))
    for (const node of members) {
      const { rows, columns } = this.place(node)
      const group = `${this.#level(node)} ${rows} ${columns}`
      for (const source of this.#sourcesOf(node)) {
        if (this.#joins(node, source)) groups.join(node, source.node)
        else if (sizeOf(source.shape) >= rows * columns) {
          // Two passes that read the same array are one.
          const key = `${group} ${numbers.get(source.node)}`
          const other = readers.get(key)
          if (other) groups.join(node, other)
          readers.set(key, node)
        }
      }
    }
    for (const node of members) {
      for (const source of this.#sourcesOf(node)) {
        if (rowOperation(source.node) && groups.of(source.node) !== groups.of(node)) this.#stored.add(source.node)
      }
    }
    const clusters = new Map<Node, Operation[]>()
    for (const node of members) {
      const group = clusters.get(groups.of(node)) ?? []
      clusters.set(groups.of(node), group)
      group.push(node)
    }
    return [...clusters.values()].map((operations) => {
      const { rows, columns } = this.place(at(operations, 0))
      const stored = operations.filter((node) => this.#stored.has(node))
      return { kind: 'cluster', rows, columns, members: operations, stored }
    })
  }

  #joins(node: Operation, source: Value): boolean {
    const maker = rowOperation(source.node)
    if (!maker || this.isTotal(maker)) return false
    const [from, to] = [this.place(maker), this.place(node)]
    return from.rows === to.rows && from.columns === to.columns && this.#level(source.node) === this.#level(node)
  }
}

/** What one value for several readers may be made of at most to be made by each. */
const MAX_SOURCES = 6

/** Whether a value of shape `row` has one element for each row of `shape`. */
function isRowOf(row: readonly number[], shape: readonly number[]): boolean {
  const last = shape.findLastIndex((size) => size !== 1)
  return shape.every((size, i) => (row[i - shape.length + row.length] ?? 1) === (i === last ? 1 : size))
}

/** Union-find. */
class Groups {
  readonly #parents = new Map<Node, Node>()

  of(node: Node): Node {
    let root = node
    for (let parent = this.#parents.get(root); parent; parent = this.#parents.get(root)) root = parent
    if (root !== node) this.#parents.set(node, root)
    return root
  }

  join(a: Node, b: Node): void {
    const [one, other] = [this.of(a), this.of(b)]
    if (one !== other) this.#parents.set(one, other)
  }
}

/**
 * Units after those they read, otherwise as recorded, except that what ends in results alone, as gradients of weights do, comes
 * as soon as it can: what it reads need not be kept for longer.
 */
function ordered(nodes: readonly Node[], unitOf: (node: Node) => Unit | undefined): readonly Unit[] {
  const units = new Set<Unit>()
  const known = new Map<Node, Unit>()
  for (const node of nodes) {
    const unit = unitOf(node)
    if (!unit) continue
    known.set(node, unit)
    // A pass takes the place of the last of its members.
    units.delete(unit)
    units.add(unit)
  }
  const reads = new Map([...units].map((unit) => [unit, readUnits(unit, known)]))
  const readers = new Map<Unit, Unit[]>([...units].map((unit) => [unit, []]))
  for (const [unit, others] of reads) for (const other of others) readers.get(other)?.push(unit)
  const isEnd = (unit: Unit): boolean => readers.get(unit)?.length === 0
  const isNearEnd = (unit: Unit): boolean => readers.get(unit)?.every(isEnd) === true
  const waitsFor = new Map([...reads].map(([unit, others]) => [unit, others.size]))
  const done = new Set<Unit>()
  const finish = (unit: Unit): void => {
    done.add(unit)
    for (const reader of readers.get(unit) ?? []) waitsFor.set(reader, (waitsFor.get(reader) ?? 0) - 1)
  }
  for (const unit of units) {
    // A visit goes on to what the unit reads, and then to readers near the end that have all they read.
    const open = done.has(unit) ? [] : [visitOf(unit, reads, readers)]
    for (let visit = open.at(-1); visit; visit = open.at(-1)) {
      const read = visit.isDone ? undefined : next(visit.reads)
      if (read) {
        if (!done.has(read)) open.push(visitOf(read, reads, readers))
        continue
      }
      if (!visit.isDone) {
        if (done.has(visit.unit)) {
          open.pop() // it came as the end of one that it reads
          continue
        }
        finish(visit.unit)
        visit.isDone = true
      }
      const reader = next(visit.readers)
      if (!reader) open.pop()
      else if (!done.has(reader) && waitsFor.get(reader) === 0 && isNearEnd(reader)) {
        open.push(visitOf(reader, reads, readers))
      }
    }
  }
  return [...done]
}

interface Visit {
  readonly unit: Unit
  readonly reads: Iterator<Unit>
  readonly readers: Iterator<Unit>
  isDone: boolean
}

function visitOf(
  unit: Unit,
  reads: ReadonlyMap<Unit, Iterable<Unit>>,
  readers: ReadonlyMap<Unit, Iterable<Unit>>,
): Visit {
  const iterate = (of: ReadonlyMap<Unit, Iterable<Unit>>) => (of.get(unit) ?? [])[Symbol.iterator]()
  return { unit, reads: iterate(reads), readers: iterate(readers), isDone: false }
}

function next<T>(items: Iterator<T>): T | undefined {
  const step = items.next()
  return step.done === true ? undefined : step.value
}

/** The units that make what a unit reads. */
function readUnits(unit: Unit, known: ReadonlyMap<Node, Unit>): ReadonlySet<Unit> {
  const found = new Set<Unit>()
  const open: Node[] = unit.kind === 'cluster' ? [...unit.members] : [unit.node]
  const seen = new Set<Node>(open)
  for (let node = open.pop(); node; node = open.pop()) {
    if (node.kind !== 'operation') continue
    for (const { node: input } of node.inputs) {
      const other = known.get(input)
      if (other && other !== unit) found.add(other)
      else if (!seen.has(input)) {
        seen.add(input)
        open.push(input)
      }
    }
  }
  return found
}
