/**
 * Draws the imports between the rooms of the house, as text and as a Mermaid flowchart:
 *
 *     npm run graph              # exits 1 if an arrow points upwards or files import in a circle
 *     npm run graph -- --mermaid
 */
import console from 'node:console'
import { dirname } from 'node:path'
import process from 'node:process'
import { parseArgs } from 'node:util'

import { circlesOf, readImports } from './import-graph.js'
import { order, roomOf, rooms, users } from './rooms.js'

const { values: options } = parseArgs({ options: { mermaid: { type: 'boolean', default: false } } })
const imports = readImports(dirname(import.meta.dirname), ['src', 'converters', ...users])

/** How many imports lead from a room to another. */
const arrows = new Map()
/** Imports of a room from one below it. */
const upward = []
for (const { from, to } of imports) {
  const [a, b] = [roomOf(from), roomOf(to)]
  if (a === b) continue
  if (order.indexOf(a) < order.indexOf(b)) upward.push(`${from} -> ${to}`)
  const targets = arrows.get(a) ?? new Map()
  arrows.set(a, targets.set(b, (targets.get(b) ?? 0) + 1))
}
const circles = circlesOf(imports)

if (options.mermaid) {
  console.log('flowchart BT')
  for (const [a, targets] of arrows) for (const [b, count] of targets) console.log(`  ${a} -->|${count}| ${b}`)
} else {
  for (const room of order) {
    const targets = [...(arrows.get(room) ?? [])].sort((x, y) => order.indexOf(x[0]) - order.indexOf(y[0]))
    console.log(`${room.padEnd(14)} -> ${targets.map(([name, count]) => `${name} ${count}`).join(', ') || 'none'}`)
  }
  const edges = [...arrows.values()].reduce((sum, targets) => sum + targets.size, 0)
  console.log(
    `\n${rooms.length} rooms, ${edges} arrows, ${imports.length} imports; upwards: ${upward.length}; circles: ${circles.length}`,
  )
}
for (const line of upward) console.error(`upwards: ${line}`)
for (const circle of circles) console.error(`circle: ${circle.join(', ')}`)
process.exitCode = upward.length + circles.length > 0 ? 1 : 0
