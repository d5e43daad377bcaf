import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'

import { stepKinds } from '../../../src/runtime/jit/encode-program.js'
import { activations, rowOps } from '../../../src/runtime/jit/program.js'

const engineText = (file: string): string => readFileSync(join(process.cwd(), 'native', file), 'utf8')

/** The names of an enumeration of kernels.h, as JavaScript has them: `kRowSum` is `rowSum`. */
function enumeration(name: string): string[] {
  const [, body = ''] =
    new RegExp(`enum class ${name}[^{]*\\{(.*?)\\}`, 's').exec(engineText('kernels/kernels.h')) ?? []
  const names = body.replace(/\/\/.*/g, '').matchAll(/\bk([A-Z]\w*)/g)
  return Array.from(names, ([, word = '']) => word.charAt(0).toLowerCase() + word.slice(1))
}

it("names the engine's row operations and activations in its order", () => {
  expect(rowOps).toEqual(enumeration('RowOp'))
  expect(activations).toEqual(enumeration('Activation'))
})

it('has a kind of step for each that the engine reads', () => {
  const [, reading = ''] = /ReadStep\(.*?\{(.*?)\n\}/s.exec(engineText('program/steps.cc')) ?? []
  const [, last = ''] = /reader\.Int\(0, (\d+), "kind of step"\)/.exec(reading) ?? []
  expect(stepKinds).toHaveLength(Number(last) + 1)
  for (const [, place = '', made = ''] of reading.matchAll(/case (\d+): return std::make_unique<(\w+)Step>/g)) {
    expect(made.toLowerCase()).toBe(stepKinds[Number(place)]?.toLowerCase())
  }
})
