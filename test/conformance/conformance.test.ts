import { onEachBackend } from '../backends.js'
import { cases } from './cases.js'

interface Row {
  readonly name: string
  readonly backend: string
  readonly compared: number
  readonly worst: number
}
const rows: Row[] = []

onEachBackend((backend) => {
  it.each(cases.map((c) => ({ ...c })))('$name', async ({ name, bound, run }) => {
    const { worst, compared, left } = await run()
    rows.push({ name, backend, compared, worst })
    expect(left).toEqual([])
    expect(compared).toBeGreaterThan(0)
    expect(worst).toBeLessThan(bound)
  })
})

afterAll(() => {
  if (process.env['npm_lifecycle_event'] !== 'conformance') return
  const lines = rows.map(({ name, backend, compared, worst }) =>
    [name.padEnd(60), backend.padEnd(8), String(compared).padStart(6), worst.toExponential(1).padStart(10)].join(' '),
  )
  const title = ['compared with transformers'.padEnd(60), 'backend ', 'arrays', ' deviation'].join(' ')
  process.stdout.write([title, ...lines, ''].join('\n'))
})
