/**
 * A recorded graph has the sizes it was recorded with. Recorded once more with another batch size, it differs from itself just
 * where that size goes in: so the size is opened.
 *
 * @module
 */
import { ConfigError } from '../errors.js'
import { nodesOf, operation, type Argument, type Constant, type Graph, type Node, type Value } from '../jit/graph.js'

/** A size that is open: the first dimension of that argument. */
export interface OpenSize {
  readonly argument: number
  /** As readers of the file will see it, e.g. `image_batch`. */
  readonly name: string
}

/** A graph whose values have dimensions of -1 where a size is open. */
export interface OpenGraph extends Graph {
  /** The dimensions of arguments and results, with the names of open sizes. */
  readonly dimensions: ReadonlyMap<Value, readonly (number | string)[]>
}

/**
 * The operation that makes a vector out of open sizes. Its inputs are the arguments whose first dimensions they are; its
 * attributes `base` and `slopes`: vector[i] = base[i] + Σ slopes[k · length + i] · size[k].
 */
export const SIZES_OP = 'Sizes'

/** The sizes of the first recording; the others have one of them larger by {@link STEP}. */
const FIRST = 2
const STEP = 5

/**
 * @param record records the function with these sizes
 * @throws {ConfigError} if the graph depends on a size in another way than by being so large
 */
export function openGraph(record: (sizes: readonly number[]) => Graph, sizes: readonly OpenSize[]): OpenGraph {
  const first = sizes.map(() => FIRST)
  const graph = record(first)
  const twinsOf = pairUp(
    graph,
    sizes.map((_, i) => record(first.map((size, j) => (i === j ? size + STEP : size)))),
  )
  const opened = new Map<Node, Node>()
  const open = (value: Value): Value => opened.get(value.node)?.outputs[value.output] ?? value
  const dimensionsOf = ({ node, output, shape }: Value): (number | string)[] =>
    shape.map((size, axis) => {
      const by = twinsOf(node).flatMap((twin, i) => (twin.outputs[output]?.shape[axis] === size ? [] : [i]))
      const name = by.map((i) => sizes[i]?.name ?? '').join('·')
      return name === '' ? size : size === FIRST ? name : `${size / FIRST}·${name}`
    })
  const shapeOf = (value: Value): number[] => dimensionsOf(value).map((size) => (typeof size === 'number' ? size : -1))
  const args = graph.arguments.map((argument) => withShape(argument, shapeOf))
  graph.arguments.forEach((argument, i) => opened.set(argument, args[i] ?? argument))
  const sources = sizes.flatMap(({ argument }) => args[argument]?.outputs[0] ?? [])
  for (const node of nodesOf(graph.results)) {
    if (node.kind === 'operation') {
      const outputs = node.outputs.map((value) => ({ shape: shapeOf(value), dtype: value.dtype }))
      opened.set(node, operation(node.op, node.inputs.map(open), outputs, node.attributes, node.line))
    } else if (node.kind === 'constant') opened.set(node, openConstant(node, twinsOf(node), sources))
  }
  const named = (value: Value): [Value, (number | string)[]] => [open(value), dimensionsOf(value)]
  const seen = [...graph.arguments.flatMap(({ outputs }) => outputs), ...graph.results]
  return { ...graph, arguments: args, results: graph.results.map(open), dimensions: new Map(seen.map(named)) }
}

/** The same node in each of the other recordings. */
function pairUp(graph: Graph, others: readonly Graph[]): (node: Node) => readonly Node[] {
  const all = ({ arguments: args, results }: Graph): Node[] => [...args, ...nodesOf(results)]
  const kindOf = (node: Node | undefined): string | undefined => (node?.kind === 'operation' ? node.op : node?.kind)
  const lists = others.map(all)
  const pairs = new Map<Node, Node[]>()
  all(graph).forEach((node, at) => {
    const twins = lists.flatMap((list) => list[at] ?? [])
    if (twins.length < others.length || twins.some((twin) => kindOf(twin) !== kindOf(node))) throw dependsOnSize(node)
    pairs.set(node, twins)
  })
  return (node) => pairs.get(node) ?? []
}

function withShape(argument: Argument, shapeOf: (value: Value) => number[]): Argument {
  const outputs: Value[] = []
  const node: Argument = { ...argument, outputs }
  for (const value of argument.outputs) outputs.push({ ...value, node, shape: shapeOf(value) })
  return node
}

/** A constant that differs between the recordings becomes {@link SIZES_OP}. */
function openConstant(node: Constant, twins: readonly Node[], sources: readonly Value[]): Node {
  const [value] = node.outputs
  const slopes = twins.map((twin) => {
    const other = twin.kind === 'constant' && twin.values.length === node.values.length ? twin.values : undefined
    return Array.from(node.values, (number, i) => ((other?.[i] ?? NaN) - number) / STEP)
  })
  if (value === undefined || slopes.every((slope) => slope.every((one) => one === 0))) return node
  if (value.dtype !== 'int32' || !slopes.flat().every(Number.isInteger)) throw dependsOnSize(node)
  const base = Array.from(
    node.values,
    (number, i) => number - FIRST * slopes.reduce((sum, slope) => sum + (slope[i] ?? 0), 0),
  )
  return operation(SIZES_OP, sources, [value], { base: { ints: base }, slopes: { ints: slopes.flat() } })
}

function dependsOnSize(node: Node): ConfigError {
  return new ConfigError('this model cannot be exported with open batch sizes', {
    found: `${node.kind === 'operation' ? node.op : `a ${node.kind}`} that depends on one otherwise than by its size`,
    where: node.kind === 'operation' ? node.line : undefined,
  })
}
