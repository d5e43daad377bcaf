import { at, epilogueOf, flagOf, intsOf, numberOf, sameShape, sizeOf, textOf } from '../graph-builder.js'
import { type Graph, nodesOf, type Operation, type Value, type Variables } from '../graph.js'
import {
  activations,
  type BufferSource,
  type ElementType,
  type Program,
  type Step,
  type View,
} from '../program/program.js'
import { baseOf, type Cluster, Clusters, type Single } from './clusters.js'
import { planMemory } from './memory-plan.js'
import { copySteps } from './copy-steps.js'
import { elementwiseSteps } from './elementwise-pass.js'
import { broadcastStrides, denseStrides, isDense, reshapedStrides } from './strides.js'
import { Storage } from './storage.js'
import { inPlaceResults } from './in-place.js'

/** How a graph is to run. */
export interface LoweringOptions {
  /** What products multiply; sums and everything else are float32. */
  readonly precision: 'float32' | 'bfloat16'
  /** Whether no value is stored in bfloat16, though products multiply in it. Default: false. */
  readonly isStoredWide?: boolean
  /** Those that change between calls, so that nothing made of them is worth keeping. */
  readonly variables: Variables
}

/** A graph of the operations that lowering knows → steps, and a place in memory for everything. */
export function lower(graph: Graph, options: LoweringOptions): Program {
  return new Lowering(graph, options).program()
}

const BYTES: Readonly<Record<ElementType, number>> = { float32: 4, bfloat16: 2, int32: 4, bool: 1 }

/** A buffer whose place in the arena is known only at the end. */
type Draft = BufferSource | { readonly kind: 'memory'; readonly bytes: number }

class Lowering {
  readonly #graph: Graph
  readonly #options: LoweringOptions
  readonly #clusters: Clusters
  readonly #storage: Storage
  readonly #buffers: Draft[] = []
  readonly #steps: Step[] = []
  readonly #views = new Map<Value, View>()

  constructor(graph: Graph, options: LoweringOptions) {
    this.#graph = graph
    this.#options = options
    this.#clusters = new Clusters(graph)
    this.#storage = new Storage(graph, this.#clusters, options)
  }

  program(): Program {
    for (const node of nodesOf(this.#graph.results)) {
      if (node.kind === 'operation') continue
      const value = at(node.outputs, 0)
      const source =
        node.kind === 'constant' ? { kind: node.kind, values: node.values } : { kind: node.kind, index: node.index }
      this.#views.set(value, this.#dense(this.#buffer(source), value.shape, value.dtype))
    }
    for (const unit of this.#clusters.units()) {
      if (unit.kind === 'cluster') this.#cluster(unit)
      else this.#single(unit)
    }
    this.#graph.results.forEach((value, index) => {
      if (this.#storage.resultOf(baseOf(value)) === index) return
      const buffer = this.#buffer({ kind: 'result', index, shape: value.shape, dtype: value.dtype })
      this.#copy(this.#view(value), this.#dense(buffer, value.shape, value.dtype))
    })
    this.#markResults()
    return this.#finish()
  }

  /** Which results are the values of variables, and where they may lie. */
  #markResults(): void {
    const { kept, replaced } = this.#options.variables
    const results = new Map<number, number>()
    this.#buffers.forEach((draft, i) => {
      if (draft.kind !== 'result' || !kept.has(draft.index)) return
      this.#buffers[i] = { ...draft, isKept: true }
      results.set(draft.index, i)
    })
    const candidates = new Map<number, number>()
    this.#buffers.forEach((draft, i) => {
      const result = draft.kind === 'capture' && results.get(replaced.get(draft.index) ?? -1)
      if (typeof result === 'number') candidates.set(result, i)
    })
    for (const [result, capture] of inPlaceResults(this.#steps, candidates)) {
      const [draft, old] = [this.#buffers[result], this.#buffers[capture]]
      if (draft?.kind === 'result' && old?.kind === 'capture') this.#buffers[result] = { ...draft, over: old.index }
    }
  }

  #finish(): Program {
    const sizes = new Map(
      this.#buffers.flatMap((buffer, i) => (buffer.kind === 'memory' ? [[i, buffer.bytes] as const] : [])),
    )
    const { offsets, bytes } = planMemory(this.#steps, sizes)
    const buffers = this.#buffers.map((buffer, i): BufferSource => {
      if (buffer.kind !== 'memory') return buffer
      return { kind: 'arena', offset: offsets.get(i) ?? 0, bytes: buffer.bytes }
    })
    return { buffers, arenaBytes: bytes, steps: this.#steps }
  }

  #buffer(draft: Draft): number {
    return this.#buffers.push(draft) - 1
  }

  #dense(buffer: number, shape: readonly number[], dtype: ElementType): View {
    return { buffer, offset: 0, dtype, shape, strides: denseStrides(shape) }
  }

  #memory(shape: readonly number[], dtype: ElementType): View {
    return this.#dense(this.#buffer({ kind: 'memory', bytes: sizeOf(shape) * BYTES[dtype] }), shape, dtype)
  }

  /** Memory for what an operation makes. */
  #place(value: Value): View {
    const view = this.#newView(value)
    this.#views.set(value, view)
    return view
  }

  #newView(value: Value): View {
    const index = this.#storage.resultOf(value)
    if (index !== undefined) {
      const { shape, dtype } = at(this.#graph.results, index)
      return this.#dense(this.#buffer({ kind: 'result', index, shape, dtype }), value.shape, dtype)
    }
    const order = this.#storage.orderOf(value)
    const memory = this.#memory(
      order.map((from) => at(value.shape, from)),
      this.#storage.typeOf(value),
    )
    const strides: number[] = []
    order.forEach((from, i) => (strides[from] = at(memory.strides, i)))
    return { ...memory, shape: value.shape, strides }
  }

  #copy(from: View, to: View): void {
    if (sizeOf(to.shape) === 0) return
    for (const step of copySteps(from, to)) this.#steps.push(step)
  }

  /** Where the elements of a value lie, copied if there is no other way to say it. */
  #view(value: Value): View {
    const through: Value[] = []
    let from = value
    let view = this.#views.get(from)
    while (!view) {
      if (from.node.kind !== 'operation') throw new RangeError(`A ${from.node.kind} that isn't the graph's`)
      through.push(from)
      from = at(from.node.inputs, 0)
      view = this.#views.get(from)
    }
    for (const seen of through.reverse()) {
      if (seen.node.kind === 'operation') view = this.#seen(seen.node, view)
      this.#views.set(seen, view)
    }
    return view
  }

  /** What a view's operation makes of another view. */
  #seen(node: Operation, from: View): View {
    const { shape } = at(node.outputs, 0)
    switch (node.op) {
      case 'reshape':
        return this.#reshaped(from, shape, this.#storage.copiedTypeOf(at(node.outputs, 0)))
      case 'transpose':
        return { ...from, shape, strides: intsOf(node, 'order').map((i) => at(from.strides, i)) }
      case 'broadcast':
        return { ...from, shape, strides: broadcastStrides(from, shape) }
      case 'slice': {
        const [begin, steps] = [intsOf(node, 'begin'), intsOf(node, 'steps')]
        const offset = from.strides.reduce((sum, stride, i) => sum + stride * at(begin, i), from.offset)
        return { ...from, shape, offset, strides: from.strides.map((stride, i) => stride * at(steps, i)) }
      }
      default:
        throw new RangeError(`${node.op} is read before it is made`)
    }
  }

  #reshaped(from: View, shape: readonly number[], dtype = from.dtype): View {
    const strides = reshapedStrides(from, shape)
    if (strides) return { ...from, shape, strides }
    const memory = this.#memory(from.shape, dtype)
    this.#copy(from, memory)
    return { ...memory, shape, strides: denseStrides(shape) }
  }

  #contiguous(view: View): View {
    if (isDense(view)) return view
    const memory = this.#memory(view.shape, view.dtype)
    this.#copy(view, memory)
    return memory
  }

  #single({ node }: Single): void {
    if (node.op === 'check') {
      this.#check(node)
      return
    }
    if (node.outputs.every(({ shape }) => sizeOf(shape) === 0)) {
      for (const output of node.outputs) this.#place(output)
      return
    }
    switch (node.op) {
      case 'product':
        this.#product(node)
        return
      case 'attention':
        this.#attention(node)
        return
      case 'gather':
        this.#gather(node)
        return
      case 'segmentSum':
        this.#segmentSum(node)
        return
      case 'concat':
        this.#concat(node)
        return
      case 'pad':
        this.#pad(node)
        return
      default:
        // TensorFlow's operations begin with a capital letter, the graph's own with a small one.
        if (/^[a-z]/.test(node.op)) throw new RangeError(`${node.op} has no step`)
        this.#tensorflow(node)
    }
  }

  #product(node: Operation): void {
    const { alpha, bias, activation, residual } = epilogueOf(node)
    const [left, right, result] = [at(node.inputs, 0), at(node.inputs, 1), at(node.outputs, 0)]
    let [a, b] = [this.#view(left), this.#view(right)]
    const biased = bias && this.#contiguous(this.#reshaped(this.#view(bias), [sizeOf(bias.shape)]))
    let added = residual && this.#view(residual)
    const full = this.#place(result)
    let c = full
    const [m, k] = a.shape.slice(-2)
    const n = at(b.shape, b.shape.length - 1)
    const batch = c.shape.slice(0, -2)
    const flat = sizeOf(batch)
    const one = sizeOf(b.shape.slice(0, -2)) === 1
    if (one || batch.length > 2) {
      // One matrix for all: their rows are the rows of one product, unless they lie too far apart.
      const rows = flat * (m ?? 1)
      const [ar, cr] = [
        [rows, k ?? 1],
        [rows, n],
      ].map((shape, i) => reshapedStrides(i === 0 ? a : c, shape))
      const addedStrides = added && reshapedStrides(added, [rows, n])
      if (one && ar && cr && (!added || addedStrides)) {
        a = { ...a, shape: [rows, k ?? 1], strides: ar }
        b = { ...b, shape: b.shape.slice(-2), strides: b.strides.slice(-2) }
        c = { ...c, shape: [rows, n], strides: cr }
        if (added && addedStrides) added = { ...added, shape: [rows, n], strides: addedStrides }
      } else {
        a = this.#batched(a, batch)
        b = this.#batched(b, batch)
        if (added) added = this.#batched(added, batch)
        if (batch.length > 2) c = this.#writable(c, [flat, ...c.shape.slice(-2)])
      }
    } else {
      a = repeated(a, batch)
      b = repeated(b, batch)
    }
    if (added && added.strides.at(-1) !== 1 && n > 1) added = this.#contiguous(added)
    this.#steps.push({
      kind: 'product',
      ...{ a, b, c, alpha, activation: known(activation), precision: this.#storage.precisionOf(node) },
      ...(biased ? { bias: biased } : {}),
      ...(added ? { residual: added } : {}),
      keep: this.#isKept(baseOf(right)),
    })
    if (c.buffer !== full.buffer) this.#copy({ ...c, shape: full.shape, strides: denseStrides(full.shape) }, full)
  }

  /** Where a step may write what belongs to `view`, under another shape: there, or in new memory that is to be copied. */
  #writable(view: View, shape: readonly number[]): View {
    const strides = reshapedStrides(view, shape)
    return strides ? { ...view, shape, strides } : this.#memory(shape, view.dtype)
  }

  /** At most two batch dimensions. */
  #batched(view: View, batch: readonly number[]): View {
    const full = repeated(view, batch)
    return batch.length <= 2 ? full : this.#reshaped(full, [sizeOf(batch), ...full.shape.slice(-2)])
  }

  #isKept({ node }: Value): boolean {
    return node.kind === 'capture' && !this.#options.variables.replaced.has(node.index)
  }

  #attention(node: Operation): void {
    const [q, k, v] = [0, 1, 2].map((i) => {
      const view = this.#view(at(node.inputs, i))
      return view.strides.at(-1) === 1 || view.shape.at(-1) === 1 ? view : this.#contiguous(view)
    })
    const mask = node.inputs[3] && this.#view(node.inputs[3])
    if (!q || !k || !v) return
    const out = this.#place(at(node.outputs, 0))
    const scale = numberOf(node, 'scale', 1)
    const precision = this.#storage.precisionOf(node)
    this.#steps.push({ kind: 'attention', q, k, v, out, ...(mask ? { mask } : {}), scale, precision })
  }

  #gather(node: Operation): void {
    const [table, indices] = [0, 1].map((i) => this.#contiguous(this.#view(at(node.inputs, i))))
    if (table && indices) this.#steps.push({ kind: 'gather', table, indices, to: this.#place(at(node.outputs, 0)) })
  }

  #segmentSum(node: Operation): void {
    const [values, segments] = [0, 1].map((i) => this.#contiguous(this.#view(at(node.inputs, i))))
    if (values && segments) {
      this.#steps.push({ kind: 'segmentSum', values, segments, to: this.#place(at(node.outputs, 0)) })
    }
  }

  #check(node: Operation): void {
    this.#place(at(node.outputs, 0))
    this.#steps.push({
      ...{ kind: 'check', value: this.#contiguous(this.#view(at(node.inputs, 0))), whole: flagOf(node, 'whole') },
      ...{ least: numberOf(node, 'least', -Infinity), most: numberOf(node, 'most', Infinity) },
      ...(node.attributes.also && { also: numberOf(node, 'also', NaN) }),
      ...{ summary: textOf(node, 'summary'), expected: textOf(node, 'expected') },
    })
  }

  #concat(node: Operation): void {
    const to = this.#place(at(node.outputs, 0))
    const axis = numberOf(node, 'axis', 0)
    let begin = 0
    for (const input of node.inputs) {
      const from = this.#view(input)
      this.#copy(from, { ...to, shape: from.shape, offset: to.offset + begin * at(to.strides, axis) })
      begin += at(from.shape, axis)
    }
  }

  #pad(node: Operation): void {
    const [from, value] = [this.#view(at(node.inputs, 0)), this.#view(at(node.inputs, 1))]
    const to = this.#place(at(node.outputs, 0))
    this.#copy({ ...value, shape: to.shape, strides: to.shape.map(() => 0) }, to)
    const offset = intsOf(node, 'before').reduce((sum, n, i) => sum + n * at(to.strides, i), to.offset)
    this.#copy(from, { ...to, shape: from.shape, offset })
  }

  #tensorflow(node: Operation): void {
    const inputs = node.inputs.map((input) => this.#contiguous(this.#view(input)))
    const outputs = node.outputs.map((output) => this.#place(output))
    this.#steps.push({ kind: 'tensorflow', op: node.op, attributes: node.attributes, inputs, outputs })
  }

  #cluster(cluster: Cluster): void {
    if (cluster.rows * cluster.columns === 0) {
      for (const node of cluster.stored) this.#place(at(node.outputs, 0))
      return
    }
    const steps = elementwiseSteps(cluster, this.#clusters, {
      view: (value) => this.#view(value),
      place: (value) => this.#place(value),
      contiguous: (view) => this.#contiguous(view),
      memory: (shape) => this.#memory(shape, 'float32'),
    })
    for (const step of steps) this.#steps.push(step)
  }
}

function repeated(view: View, batch: readonly number[]): View {
  const shape = [...batch, ...view.shape.slice(-2)]
  return sameShape(shape, view.shape) ? view : { ...view, shape, strides: broadcastStrides(view, shape) }
}

function known(name: string): (typeof activations)[number] {
  const activation = activations.find((activation) => activation === name)
  if (!activation) throw new RangeError(`No activation of a product: ${name}`)
  return activation
}
