import { at, intsOf, scalarOf, sizeOf } from '../graph-builder.js'
import type { Operation, Value } from '../graph.js'
import type { ElementwiseStep, Step, View } from '../program/program.js'
import { type Cluster, type Clusters, isReduction } from './clusters.js'
import { ElementwiseCode } from './elementwise-code.js'
import { broadcastStrides, collapsed, fitted, type Layout, LoopShape } from './strides.js'

/** What a pass needs to know of memory. */
export interface Memory {
  readonly view: (value: Value) => View
  readonly place: (value: Value) => View
  /** A copy in which the elements follow one another. */
  readonly contiguous: (view: View) => View
  /** New memory for float32. */
  readonly memory: (shape: readonly number[]) => View
}

/** The steps that do a cluster: one, as long as one loop fits all its operands. */
export function elementwiseSteps(cluster: Cluster, clusters: Clusters, memory: Memory): readonly Step[] {
  return new ElementwisePass(cluster, clusters, memory).steps()
}

/** A step that sums dense `values` up into `to`, whose strides are 0 where it sums. */
function sumStep(values: View, to: View): ElementwiseStep {
  const loop = new LoopShape(sizeOf(to.shape), 1)
  loop.add(to)
  const code = new ElementwiseCode()
  code.storeSum(code.load(0), 0)
  return {
    kind: 'elementwise',
    shape: loop.shape,
    inputs: [fitted(values, loop)],
    outputs: [fitted(to, loop)],
    ...code.finish(),
  }
}

const output = (node: Operation): Value => at(node.outputs, 0)

class ElementwisePass {
  readonly #cluster: Cluster
  readonly #clusters: Clusters
  readonly #memory: Memory
  readonly #code = new ElementwiseCode()
  readonly #loop: LoopShape
  /** Whether all there is is one value for each row: then those are the loop's elements. */
  readonly #narrow: boolean
  /** What is read, by where it lies. */
  readonly #inputs = new Map<string, View>()
  readonly #outputs: View[] = []
  readonly #computed = new Map<Operation, number>()

  constructor(cluster: Cluster, clusters: Clusters, memory: Memory) {
    this.#cluster = cluster
    this.#clusters = clusters
    this.#memory = memory
    const reduces = cluster.members.some((node) => isReduction(node) && !clusters.isTotal(node))
    this.#narrow = cluster.members.every((node) => !isReduction(node) && clusters.place(node).perRow)
    const columns = this.#narrow ? 1 : cluster.columns
    this.#loop = new LoopShape(cluster.rows * columns, reduces ? columns : 1)
  }

  steps(): readonly Step[] {
    const after: Step[] = []
    const stores: { readonly node: Operation; readonly sums: boolean; readonly to: View }[] = []
    const totals = this.#cluster.stored.filter((node) => this.#clusters.isTotal(node))
    for (const node of totals) {
      const to = this.#summed(node)
      if (this.#loop.add(to)) {
        stores.push({ node, sums: true, to })
        continue
      }
      const values = this.#memory.memory(to.shape)
      stores.push({ node, sums: false, to: values })
      after.push(sumStep(values, to))
    }
    for (const node of this.#cluster.stored) {
      if (this.#clusters.isTotal(node)) continue
      const place = this.#memory.place(output(node))
      let to = this.#wide(place, this.#clusters.place(node).perRow)
      if (!this.#loop.add(to)) {
        const dense = this.#memory.memory(place.shape)
        after.push({ kind: 'copy', from: dense, to: place })
        to = this.#wide(dense, this.#clusters.place(node).perRow)
      }
      stores.push({ node, sums: false, to })
    }
    const roots = stores.map(({ node }) => node)
    for (const node of this.#madeOf(roots)) this.#findInputs(node)
    const numbers = new Map([...this.#inputs.keys()].map((key, i) => [key, i]))
    for (const { node, sums, to } of stores) {
      const value = this.#value(node, numbers)
      this.#outputs.push(fitted(to, this.#loop))
      if (sums) this.#code.storeSum(value, this.#outputs.length - 1)
      else this.#code.store(value, this.#outputs.length - 1)
    }
    const inputs = [...this.#inputs.values()].map((view) => fitted(view, this.#loop))
    const step: ElementwiseStep = {
      ...{ kind: 'elementwise', shape: this.#loop.shape, inputs, outputs: this.#outputs },
      ...this.#code.finish(),
    }
    return [step, ...after]
  }

  /** Where a sum is added to for each element of what is summed. */
  #summed(node: Operation): View {
    const { shape } = at(node.inputs, 0)
    const axes = intsOf(node, 'axes')
    const to = this.#memory.place(output(node))
    return { ...to, shape, strides: to.strides.map((stride, i) => (axes.includes(i) ? 0 : stride)) }
  }

  /** A view with an element, repeated if need be, for each element of the loop. */
  #wide(view: View, perRow: boolean): View {
    if (!perRow || this.#narrow) return view
    return { ...view, shape: [...view.shape, this.#cluster.columns], strides: [...view.strides, 0] }
  }

  /** The operation of this pass that makes an input, if it isn't read from memory. */
  #maker(node: Operation, input: Value): Operation | undefined {
    const maker = this.#clusters.inside(node, input)
    if (!maker) return undefined
    return this.#clusters.isRecomputed(maker) || this.#clusters.clusterOf(maker) === this.#cluster ? maker : undefined
  }

  /** The operations of this pass that `roots` are made of and that have not been computed, each after what it takes. */
  #madeOf(roots: readonly Operation[]): readonly Operation[] {
    const ordered = new Set<Operation>()
    const isKnown = (node: Operation): boolean => ordered.has(node) || this.#computed.has(node)
    for (const root of roots) {
      const open = isKnown(root) ? [] : [{ node: root, next: 0 }]
      for (let top = open.at(-1); top; top = open.at(-1)) {
        const input = top.node.inputs[top.next++]
        if (input === undefined) {
          ordered.add(top.node)
          open.pop()
          continue
        }
        const maker = this.#maker(top.node, input)
        if (maker && !isKnown(maker)) open.push({ node: maker, next: 0 })
      }
    }
    return [...ordered]
  }

  /** Lets the loop fit what an operation reads from memory. */
  #findInputs(node: Operation): void {
    for (const input of node.inputs) {
      if (this.#maker(node, input) || scalarOf(input) !== undefined) continue
      const view = this.#read(node, input)
      const key = keyOf(view)
      if (this.#inputs.has(key)) continue
      this.#inputs.set(key, this.#loop.add(view) ? view : this.#memory.contiguous({ ...view }))
    }
  }

  #read(node: Operation, input: Value): View {
    const from = this.#memory.view(input)
    const { shape } = isReduction(node) ? input : output(node)
    const view = { ...from, shape, strides: broadcastStrides(from, shape) }
    return this.#wide(view, !isReduction(node) && this.#clusters.place(node).perRow)
  }

  #value(node: Operation, numbers: ReadonlyMap<string, number>): number {
    for (const made of this.#madeOf([node])) {
      const operands = made.inputs.map((input) => {
        const maker = this.#maker(made, input)
        if (maker) return this.#computedBy(maker)
        const number = scalarOf(input)
        if (number !== undefined) return this.#code.constant(number)
        return this.#code.load(numbers.get(keyOf(this.#read(made, input))) ?? 0)
      })
      this.#computed.set(made, this.#compute(made, operands))
    }
    return this.#computedBy(node)
  }

  #computedBy(node: Operation): number {
    const value = this.#computed.get(node)
    if (value === undefined) throw new RangeError(`${node.op} is read before it is computed`)
    return value
  }

  #compute(node: Operation, operands: readonly number[]): number {
    if (node.op === 'float' || this.#clusters.isTotal(node)) return at(operands, 0)
    if (isReduction(node)) return this.#code.compute(node.op === 'sum' ? 'rowSum' : 'rowMax', operands)
    return this.#code.compute(node.op, operands)
  }
}

/** The same for views of the same elements in the same order. */
function keyOf(view: View): string {
  const { shape, strides }: Layout = collapsed(view)
  return [view.buffer, view.offset, shape.join('x'), strides.join('x')].join()
}
