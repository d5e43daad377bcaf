import type { Table } from '../draw.js'
import { elementwise } from './elementwise.js'
import { images } from './images.js'
import { integers } from './integers.js'
import { layers } from './layers.js'
import { movement } from './movement.js'
import { products } from './products.js'
import { reductions } from './reductions.js'

/** Everything that programs are made of. */
export const operations: Table = renamed({ elementwise, integers, movement, reductions, products, images, layers })

/** `group.name`: groups may have operations of one name. */
function renamed(groups: Readonly<Record<string, Table>>): Table {
  const named = Object.entries(groups).flatMap(([group, table]) =>
    Object.entries(table).map(([name, operation]) => [`${group}.${name}`, operation] as const),
  )
  return Object.fromEntries(named)
}
