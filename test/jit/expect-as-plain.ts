import * as tf from '@tensorflow/tfjs'

import { type BufferSource, type Program, elementwiseOps, type Step, type View } from '../../src/jit/program/program.js'
import type { ProgramEngine } from '../core-engine.js'
import { runProgram } from './program-runner.js'

/** A view of a whole buffer, its dimensions in memory in the given order (outermost first) or as they are. */
export function viewOf(
  buffer: number,
  shape: readonly number[],
  dtype: View['dtype'] = 'float32',
  order: readonly number[] = shape.map((_, d) => d),
): View {
  const strides = shape.map(() => 0)
  let stride = 1
  for (const d of [...order].reverse()) {
    strides[d] = stride
    stride *= shape[d] ?? 1
  }
  return { buffer, offset: 0, dtype, shape, strides }
}

/** An instruction of a row program. */
export const instruction = (op: (typeof elementwiseOps)[number], to: number, a = 0, b = 0, c = 0): number[] => [
  elementwiseOps.indexOf(op),
  to,
  a,
  b,
  c,
]

/** The bits of a float, as `constant` wants them. */
export const bitsOf = (value: number): number => new Int32Array(Float32Array.of(value).buffer)[0] ?? 0

/** One step (or several) from arguments to one result; buffers in between are `arena`. */
export function programOf(buffers: readonly BufferSource[], steps: readonly Step[]): Program {
  const ends = buffers.map((buffer) => (buffer.kind === 'arena' ? buffer.offset + buffer.bytes : 0))
  return { buffers, arenaBytes: Math.max(0, ...ends), steps }
}

/** Denormal results are zeros to the engine, but for WebAssembly, which cannot do so. */
const KEEP_DENORMALS: readonly string[] = ['simd', 'relaxed-simd']
const flushed = (value: number): number => (Math.abs(value) < 2 ** -126 ? 0 : value)

/**
 * Runs a program with every set of kernels that this processor has, on one thread and on three, and expects what the plain
 * interpreter gives: within `tolerance` of the largest number of each result, or of each number.
 */
export function expectAsPlain(
  engine: ProgramEngine,
  program: Program,
  args: readonly tf.Tensor[],
  tolerance: number,
  relativeTo: 'largest' | 'each' = 'largest',
): void {
  const expected = runProgram(program, args, [])
  const { kernels, threads } = engine
  try {
    for (const set of engine.usable) {
      engine.setKernels(set)
      for (const count of [1, 3]) {
        engine.setThreads(count)
        const executable = engine.compile(program)
        const found = executable.run(args, [])
        executable.dispose()
        expect(found.map(({ shape, dtype }) => [shape, dtype])).toEqual(expected.map((t) => [t.shape, t.dtype]))
        found.forEach((tensor, i) => {
          const values = Array.from(tensor.dataSync<'float32'>(), KEEP_DENORMALS.includes(set) ? flushed : Number)
          const plain = Array.from(expected[i]?.dataSync<'float32'>() ?? [], flushed)
          const largest = plain.reduce((most, x) => (Number.isFinite(x) ? Math.max(most, Math.abs(x)) : most), 0)
          const wrong = values.findIndex((value, k) => {
            const want = plain[k] ?? 0
            const size = relativeTo === 'largest' ? largest : Math.abs(want)
            return !(Object.is(value, want) || value === want || Math.abs(value - want) <= tolerance * size)
          })
          const where = { set, count, result: i, at: wrong }
          if (wrong >= 0) expect({ ...where, value: values[wrong] }).toEqual({ ...where, value: plain[wrong] })
        })
        tf.dispose(found)
      }
    }
  } finally {
    engine.setKernels(kernels)
    engine.setThreads(threads)
    tf.dispose(expected)
  }
}
