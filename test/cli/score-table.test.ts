import { scoreTable } from '../../src/cli/score-table.js'

const scores = [
  { label: 'two cats', score: 0.75, logit: 1.1 },
  { label: 'a dog\u001b[2J', score: 0.00625, logit: -5 },
]

function table(isTTY: boolean, noColor: string): string {
  const before = process.stdout.isTTY
  const environment = process.env['NO_COLOR']
  process.stdout.isTTY = isTTY
  process.env['NO_COLOR'] = noColor
  try {
    return scoreTable(scores)
  } finally {
    process.stdout.isTTY = before
    if (environment === undefined) delete process.env['NO_COLOR']
    else process.env['NO_COLOR'] = environment
  }
}

describe('scoreTable', () => {
  it('draws bars in eighths of a character', () => {
    expect(table(false, '')).toBe(
      ['  0.7500  ███████████████       two cats', '  0.0063  ▏                     a dog\\u001b[2J', ''].join('\n'),
    )
  })

  it('colours the best on a terminal, unless the user wants no colours', () => {
    const [best = '', second = ''] = table(true, '').split('\n')
    expect(best).toContain('\u001b[32m███████████████')
    expect(best).toContain('\u001b[1mtwo cats\u001b[22m')
    expect(second).not.toContain('\u001b')
    expect(table(true, '1')).toBe(table(false, ''))
  })
})
