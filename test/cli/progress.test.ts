import { Progress } from '../../src/cli/progress.js'
import { Session } from '../../src/cli/session.js'

/** What goes to the terminal while a run prints its results. */
async function shown(isTTY: boolean, total: number, quiet = false): Promise<string> {
  const before = process.stderr.isTTY
  let text = ''
  const write = jest.spyOn(process.stderr, 'write').mockImplementation((part) => {
    text += String(part)
    return true
  })
  process.stderr.isTTY = isTTY
  const session = new Session()
  session.configure({ quiet })
  try {
    const progress = await Progress.start(session, total, 8, 'images')
    for (let i = 1; i <= total; i++) {
      progress.step()
      session.print(() => process.stderr.write(`<result ${i}>\n`))
    }
    progress.end()
    session.print(() => process.stderr.write('<after>\n'))
  } finally {
    process.stderr.isTTY = before
    write.mockRestore()
  }
  return text
}

const ESCAPE = /\u001b(\[[?\d]*[A-Za-z]|[78])/g // eslint-disable-line no-control-regex

describe('Progress', () => {
  it('tells rate and time left on a terminal, and stands aside for results', async () => {
    const text = await shown(true, 9)
    expect(text).toMatch(/█+░+ 3 of 9 images, [\d.e+]+\/s, \d+ s left/)
    // Each result begins on a line that has been cleared.
    for (let i = 2; i <= 9; i++) expect(text).toContain(`\u001b[2K<result ${i}>\n`)
    expect(text.endsWith('\u001b[2K<after>\n')).toBe(true)
    expect(text.replace(ESCAPE, '')).toContain('<result 1>\n')
  })

  it.each([
    ['elsewhere', false, 9, false],
    ['for few', true, 8, false],
    ['if told to be quiet', true, 9, true],
  ])('shows nothing %s', async (_, isTTY, total, quiet) => {
    const results = Array.from({ length: total }, (_, i) => `<result ${i + 1}>\n`).join('')
    expect(await shown(isTTY, total, quiet)).toBe(`${results}<after>\n`)
  })
})
