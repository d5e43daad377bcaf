import { progressPrinter, type SetupProgress } from '../../src/setup/setup-progress.js'

const steps: readonly SetupProgress[] = [
  { step: 'tfjs-node', message: 'tfjs-node' },
  { step: 'download', message: 'a.whl', bytes: 0, total: 4_000_000 },
  { step: 'download', message: 'a.whl', bytes: 2_000_000, total: 4_000_000 },
  { step: 'download', message: 'a.whl', bytes: 4_000_000, total: 4_000_000 },
  { step: 'compile', message: 'the binding' },
]

function printed(isTTY: boolean): string {
  let text = ''
  const { onProgress, end } = progressPrinter({ isTTY, write: (more) => (text += more) })
  for (const step of steps) onProgress(step)
  end()
  end()
  return text.replaceAll('\r\u001b[K', '↺')
}

it('prints a line a step where nobody watches', () => {
  expect(printed(false)).toBe('Fetching tfjs-node\nDownloading a.whl (4 MB)\nCompiling the binding\n')
})

it('writes over one line a step on a terminal, with bytes, rate and time left', () => {
  const lines = printed(true).split('\n')
  expect(lines).toHaveLength(4)
  expect(lines[1]).toMatch(/^(↺Downloading a\.whl: \d of 4 MB, \d+ MB\/s[^↺]*)+$/)
  expect(lines[1]).toMatch(/4 of 4 MB, \d+ MB\/s, 0 s left$/)
  expect(lines[3]).toBe('')
})
