import { WeightsError } from '../../src/errors.js'
import { byteLength, elementCount } from '../formats/dtypes.js'
import { unknownTensor } from '../formats/stored-tensor.js'
import { gather, isRowMajor, rowMajor } from '../formats/strides.js'
import type { Transform } from './transforms.js'
import type { WeightInfo, Weights } from '../formats/weights.js'

/**
 * A row of a table of names: a weight of a format, the weight of transformers that is the same, and how its axes change. The table is
 * read both ways.
 *
 * `{i}` in both names is the number of a layer. A name that ends in `[1/3]` is the second third of the weight along its first axis;
 * one that ends in `[{i}]` is what lies at that place of its first axis.
 */
export type Row = readonly [source: string, target: string, transform: Transform]

/** More layers than any tower has: a stack of a billion empty ones must not be walked through. */
const MAX_LAYERS = 1000

/** A weight, or a part of one. */
interface Cell {
  readonly name: string
  /** Which of how many equal parts along the first axis. */
  readonly part?: { readonly index: number; readonly of: number } | undefined
  /** Which place of the first axis, which is dropped. */
  readonly place?: number | undefined
}

/** How one part moves: its axes seen as others, these reordered, and the shape of the result. */
interface Move {
  readonly grouped: readonly number[]
  readonly axes: readonly number[]
  readonly shape: readonly number[]
}

interface Link {
  readonly from: Cell
  readonly to: Cell
  readonly move: Move
}

/** Weights of a format under transformers' names and in its shapes. What the table doesn't know keeps its name. */
export function toTransformersNames(weights: Weights, rows: readonly Row[]): Weights {
  const links = rows.flatMap(([source, target, { group, axes }]) => {
    return expand(weights, source, target, (shape) => {
      const grouped = group(shape)
      return grouped && { grouped, axes, shape: axes.map((axis) => grouped[axis] ?? 0) }
    })
  })
  return renamed(weights, links)
}

/**
 * Weights of transformers under a format's names and in its shapes. What the table doesn't know keeps its name.
 *
 * @param headsOf the number of attention heads where a weight of transformers belongs.
 */
export function fromTransformersNames(
  weights: Weights,
  rows: readonly Row[],
  headsOf: (name: string) => number,
): Weights {
  const links = rows.flatMap(([source, target, { ungroup, axes }]) => {
    return expand(weights, target, source, (grouped, name) => {
      const back = axes.map((_, axis) => axes.indexOf(axis))
      return {
        grouped,
        axes: back,
        shape: ungroup(
          back.map((axis) => grouped[axis] ?? 0),
          headsOf(name),
        ),
      }
    })
  })
  return renamed(weights, links)
}

/** A row's parts of the weights that are there, layer by layer. */
function expand(
  weights: Weights,
  from: string,
  to: string,
  moveOf: (shape: readonly number[], name: string) => Move | undefined,
): Link[] {
  const links: Link[] = []
  for (let i = 0; ; i++) {
    const cell = cellOf(from, i)
    const info = weights.tensors.get(cell.name)
    if (!info || (cell.place !== undefined && cell.place >= (info.shape[0] ?? 0))) return links
    const shape = i < MAX_LAYERS ? shapeOf(cell, info) : undefined
    const move = shape && moveOf(shape, cell.name)
    if (!move || elementCount(move.shape) !== elementCount(move.grouped)) {
      throw new WeightsError('A weight’s shape is not one of its format', {
        found: `[${info.shape.join(', ')}]`,
        where: `${cell.name} in ${weights.location}`,
      })
    }
    links.push({ from: cell, to: cellOf(to, i), move })
    if (!from.includes('{i}')) return links
  }
}

function cellOf(pattern: string, layer: number): Cell {
  const [, name = '', index, of, place] =
    /^(.*?)(?:\[(\d+)\/(\d+)\]|\[(\d+)\])?$/.exec(pattern.replaceAll('{i}', String(layer))) ?? []
  return {
    name,
    part: of === undefined ? undefined : { index: Number(index), of: Number(of) },
    place: place === undefined ? undefined : Number(place),
  }
}

function shapeOf({ part, place }: Cell, { shape }: WeightInfo): readonly number[] | undefined {
  const [first = 0, ...rest] = shape
  if (place !== undefined) return rest
  if (part === undefined) return shape
  return first % part.of === 0 ? [first / part.of, ...rest] : undefined
}

/** The weights that links lead to, and those that no link starts from. */
function renamed(weights: Weights, links: readonly Link[]): Weights {
  const groups = new Map<string, Link[]>()
  for (const link of links) groups.set(link.to.name, [...(groups.get(link.to.name) ?? []), link])
  for (const [name, group] of groups) if (!isComplete(group)) groups.delete(name)

  const used = new Set([...groups.values()].flat().map(({ from }) => from.name))
  const tensors = new Map([...weights.tensors].filter(([name]) => !used.has(name)))
  for (const [name, group] of groups) tensors.set(name, joinedInfo(weights, name, group))
  return {
    location: weights.location,
    tensors,
    async read(name, begin = 0, end) {
      const group = groups.get(name)
      if (!tensors.has(name)) throw unknownTensor(name, tensors.keys(), weights.location)
      if (!group) return weights.read(name, begin, end)
      const whole = await readJoined(weights, group)
      return begin === 0 && (end === undefined || end === whole.length) ? whole : whole.slice(begin, end)
    },
  }
}

/** Whether all parts of a weight are there. */
function isComplete(group: readonly Link[]): boolean {
  const [first] = group
  return first?.to.part ? group.length === first.to.part.of : group.length === 1 || first?.to.place !== undefined
}

function joinedInfo(weights: Weights, name: string, group: readonly Link[]): WeightInfo {
  const shapes = group.map(({ move }) => move.shape)
  const [shape = []] = shapes
  if (shapes.some((other) => other.length !== shape.length || other.some((length, axis) => length !== shape[axis]))) {
    throw new WeightsError('The parts of a weight have different shapes', {
      found: shapes.map((other) => `[${other.join(', ')}]`).join(' and '),
      where: `${group.map(({ from }) => from.name).join(', ')} in ${weights.location}`,
      hint: `They make up ${name}.`,
    })
  }
  const dtypes = new Set(group.map(({ from }) => weights.tensors.get(from.name)?.dtype ?? 'F32'))
  const [own = 'F32'] = dtypes
  const dtype = dtypes.size === 1 ? own : 'F32'
  const [first = 1, ...rest] = shape
  const to = group[0]?.to
  const joined = to?.place !== undefined ? [group.length, ...shape] : to?.part ? [first * to.part.of, ...rest] : shape
  return { dtype, shape: joined, byteLength: byteLength(dtype, joined) }
}

async function readJoined(weights: Weights, group: readonly Link[]): Promise<Float32Array<ArrayBuffer>> {
  const [single] = group
  if (single && group.length === 1) return readPart(weights, single)
  const sizes = group.map(({ move }) => elementCount(move.shape))
  const joined = new Float32Array(sizes.reduce((sum, size) => sum + size, 0))
  for (const [i, link] of group.entries()) {
    const position = link.to.part?.index ?? link.to.place ?? i
    joined.set(await readPart(weights, link), position * (sizes[i] ?? 0))
  }
  return joined
}

async function readPart(weights: Weights, { from, move }: Link): Promise<Float32Array<ArrayBuffer>> {
  const size = elementCount(move.shape)
  const begin = (from.part?.index ?? from.place ?? 0) * size
  const elements = await weights.read(from.name, begin, begin + size)
  const strides = rowMajor(move.grouped)
  const shape = move.axes.map((axis) => move.grouped[axis] ?? 0)
  const permuted = move.axes.map((axis) => strides[axis] ?? 0)
  return isRowMajor(shape, permuted) ? elements : gather(elements, shape, permuted)
}
