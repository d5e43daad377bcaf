import { readFileSync } from 'node:fs'
import { appendFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { FileError } from '../../../src/errors.js'
import { MetricsFile } from '../../../src/training/tensorboard/metrics-file.js'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'siglip-metrics-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

function write(file: string, steps: readonly number[], fromStep?: number): void {
  const metrics = new MetricsFile(file, fromStep, () => 1.5)
  for (const step of steps) metrics.write(step, { loss: step / 4 })
  metrics.close()
}

const line = (step: number): string => `{"step":${step},"time":1.5,"loss":${step / 4}}\n`

it('has a line for each step, also when opened again', () => {
  const file = path.join(folder, 'new', 'metrics.jsonl')
  write(file, [1, 2])
  write(file, [3])
  expect(readFileSync(file, 'utf8')).toBe(line(1) + line(2) + line(3))
})

it('a run that is taken up writes its steps once, whatever was cut off', async () => {
  const file = path.join(folder, 'metrics.jsonl')
  write(file, [1, 2, 3, 4])
  await appendFile(file, '{"step":1,"ti')
  write(file, [3, 4], 3)
  expect(readFileSync(file, 'utf8')).toBe([1, 2, 3, 4].map(line).join(''))
})

it('writes what is no number as text', () => {
  const file = path.join(folder, 'metrics.jsonl')
  const metrics = new MetricsFile(file, undefined, () => 0)
  metrics.write(1, { loss: NaN, norm: -Infinity, note: 'a' })
  metrics.close()
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({
    step: 1,
    time: 0,
    loss: 'NaN',
    norm: '-Infinity',
    note: 'a',
  })
})

it('a place that cannot be written is an error of ours', () => {
  expect(() => new MetricsFile(folder)).toThrow(FileError)
})
