import fc from 'fast-check'

import { BackendError, InputError } from '../../../src/errors.js'
import type { EngineCore } from '../../../src/backend/engine/engine-core.js'
import { createWasmEngine } from '../../../src/backend/engine/wasm-engine.js'
import { WASM_BUILDS } from '../../../src/backend/engine/wasm-builds.js'
import { bestWasmBuild, loadWasmModule } from '../../../src/backend/engine/wasm-module.js'
import { encodeProgram } from '../../../src/jit/program/encode-program.js'
import type { BufferSource, Program, Step } from '../../../src/jit/program/program.js'
import { instruction, programOf, viewOf } from '../../jit/expect-as-plain.js'

const argument: BufferSource = { kind: 'argument', index: 0 }
const capture: BufferSource = { kind: 'capture', index: 0 }
const result = (shape: readonly number[], more: object = {}): BufferSource => ({
  ...{ kind: 'result', index: 0, shape, dtype: 'float32' },
  ...more,
})

/** y = x + x of a vector; `over`: y replaces the capture x. */
function doubled(size: number, from: BufferSource = argument, more: object = {}): Program {
  const code = [...instruction('load', 0, 0), ...instruction('add', 0, 0, 0), ...instruction('store', 0, 0)]
  const step: Step = {
    kind: 'elementwise',
    shape: [size],
    inputs: [viewOf(0, [size])],
    outputs: [viewOf(1, [size])],
    slots: 1,
    code: Int32Array.from(code),
  }
  return programOf([from, result([size], more)], [step])
}

describe.each(WASM_BUILDS.slice(WASM_BUILDS.indexOf(bestWasmBuild())))('the engine on WebAssembly, %s', (build) => {
  let core: EngineCore
  beforeAll(async () => {
    core = await createWasmEngine(await loadWasmModule(build))
  })

  const floats = (...values: readonly number[]): number => {
    const address = core.allocate(values.length * 4)
    core.bytes(address, values.length * 4).set(new Uint8Array(Float32Array.from(values).buffer))
    return address
  }
  const valuesAt = (address: number, length: number): number[] =>
    Array.from(new Float32Array(core.bytes(address, length * 4).slice().buffer))
  const create = (program: Program) => core.create(encodeProgram(program))

  it('says what it computes with', () => {
    expect(core.info()).toEqual({ kernels: build, usable: [build], bfloat16: false, threads: 1 })
  })

  it('counts tensors and their bytes', () => {
    const before = core.memory()
    const addresses = [core.allocate(1000), core.allocate(0)]
    expect(core.memory()).toMatchObject({ tensors: before.tensors + 2, tensorBytes: before.tensorBytes + 1000 })
    addresses.forEach(core.free)
    expect(core.memory()).toMatchObject({ tensors: before.tensors, tensorBytes: before.tensorBytes })
  })

  it('keeps the bytes of tensors of all sizes apart, aligned to 64, and uses the memory of those that are gone', () => {
    const size = fc.oneof(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 0, max: 3_000_000 }))
    fc.assert(
      fc.property(fc.array(fc.tuple(size, fc.boolean()), { maxLength: 60 }), (orders) => {
        const living: { readonly address: number; readonly bytes: number; readonly value: number }[] = []
        const check = ({ address, bytes, value }: (typeof living)[number]) => {
          expect(core.bytes(address, bytes).every((byte) => byte === value)).toBe(true)
        }
        orders.forEach(([bytes, frees], i) => {
          const address = core.allocate(bytes)
          expect(address % 64).toBe(0)
          core.bytes(address, bytes).fill(i)
          living.push({ address, bytes, value: i })
          if (!frees) return
          const [gone] = living.splice(bytes % living.length, 1)
          if (!gone) return
          check(gone)
          core.free(gone.address)
        })
        living.forEach(check)
        for (const { address } of living) core.free(address)
      }),
      { numRuns: 50 },
    )
    // What is taken and freed again and again fits where it was.
    const grown = Array.from({ length: 20 }, (_, i) => {
      const parts = Array.from({ length: 30 }, (_, k) => core.allocate(1_000_000 + 50_000 * ((i + k) % 7)))
      parts.forEach(core.free)
      const whole = core.allocate(60_000_000)
      const { byteLength } = core.bytes(whole, 1).buffer
      core.free(whole)
      return byteLength
    })
    expect(grown.at(-1)).toBe(grown[1])
  })

  it('runs a program many times, and frees it', () => {
    const program = create(doubled(3))
    const x = floats(1, 2, -3)
    for (let i = 0; i < 3; i++) {
      const [y = 0] = program.run([x], [])
      expect(valuesAt(y, 3)).toEqual([2, 4, -6])
      core.free(y)
    }
    expect(program.profile([x], [])).toEqual([expect.any(Number)])
    program.dispose()
    program.dispose()
    expect(() => program.run([x], [])).toThrow(BackendError)
    core.free(x)
  })

  it('updates a capture in place where nothing else reads it', () => {
    const program = create(doubled(2, capture, { over: 0 }))
    const x = floats(1, 2)
    expect(program.run([], [x], [0])).toEqual([x])
    expect(valuesAt(x, 2)).toEqual([2, 4])
    const [apart = 0] = program.run([], [x])
    expect(apart).not.toBe(x)
    const [also = 0] = program.run([x], [x], [0])
    expect(also).not.toBe(x)
    expect([valuesAt(x, 2), valuesAt(apart, 2), valuesAt(also, 2)]).toEqual([
      [2, 4],
      [4, 8],
      [4, 8],
    ])
    program.dispose()
    for (const address of [x, apart, also]) core.free(address)
  })

  it('starts a run whose tensors may go at once', async () => {
    const program = create(doubled(2))
    const x = floats(3, 4)
    const { ended, finish } = program.start([x], [])
    core.free(x)
    await ended
    const [y = 0] = finish()
    expect(valuesAt(y, 2)).toEqual([6, 8])
    expect(finish).toThrow(/finished twice/)
    core.free(y)
    const failing = program.start([y], [])
    await failing.ended
    expect(failing.finish).toThrow(BackendError)
    program.dispose()
  })

  it('reads constants and texts of a program', () => {
    const check: Step = {
      kind: 'check',
      value: viewOf(0, [2]),
      ...{ whole: true, least: 0, most: 9, summary: 'Zahlen von außen', expected: 'ganze Zahlen 0…9' },
    }
    const code = [...instruction('load', 0, 0), ...instruction('load', 1, 1), ...instruction('add', 0, 0, 1)]
    const sum: Step = {
      kind: 'elementwise',
      shape: [2],
      inputs: [viewOf(0, [2]), viewOf(1, [2])],
      outputs: [viewOf(2, [2])],
      slots: 2,
      code: Int32Array.from([...code, ...instruction('store', 0, 0)]),
    }
    const constant: BufferSource = { kind: 'constant', values: Float32Array.of(0.5, 100) }
    const program = create(programOf([argument, constant, result([2])], [check, sum]))
    const [good, bad] = [floats(1, 2), floats(1, 2.5)]
    const [y = 0] = program.run([good], [])
    expect(valuesAt(y, 2)).toEqual([1.5, 102])
    expect(() => program.run([bad], [])).toThrow(InputError)
    expect(() => program.run([bad], [])).toThrow(/Zahlen von außen: expected ganze Zahlen 0…9, found 2\.5 at 1/)
    program.dispose()
    for (const address of [good, bad, y]) core.free(address)
  })

  it('refuses indices that are out of range, and says which', () => {
    const step: Step = {
      kind: 'gather',
      table: viewOf(0, [2, 1]),
      indices: viewOf(1, [1], 'int32'),
      to: viewOf(2, [1, 1]),
    }
    const program = create(programOf([argument, { kind: 'argument', index: 1 }, result([1, 1])], [step]))
    const [table, index] = [floats(1, 2), core.allocate(4)]
    core.bytes(index, 4).set([7, 0, 0, 0])
    expect(() => program.run([table, index], [])).toThrow(InputError)
    expect(() => program.run([table, index], [])).toThrow(
      /An index is out of range.*indices\[0\] = 7 is not in \[0, 2\)/,
    )
    program.dispose()
    for (const address of [table, index]) core.free(address)
  })

  it('refuses wrong programs, tensors that are missing or too small, and more memory than there is', () => {
    const program = create(doubled(3))
    const small = floats(1, 2)
    expect(() => program.run([small], [])).toThrow(/argument 0 has 8 bytes, not 12/)
    expect(() => program.run([], [])).toThrow(/takes 1 arguments/)
    expect(() => program.run([small + 64 * 1_000_000], [])).toThrow(/there is no tensor at/)
    expect(() => program.run([small], [], [3])).toThrow(/there is no capture 3/)
    core.free(small)
    expect(() => {
      core.free(small)
    }).toThrow(/there is no tensor at/)
    const wrong = { ...encodeProgram(doubled(3)), words: Float64Array.of(99) }
    expect(() => core.create(wrong)).toThrow(/version: expected a whole number/)
    expect(() => core.allocate(2 ** 32 - 2 ** 20)).toThrow(/not enough memory.*no 4293918720 bytes more/)
    expect(() => core.allocate(2 ** 40)).toThrow(BackendError)
    expect(() => {
      core.setKernels('avx2')
    }).toThrow(/no kernels called "avx2" run here, only/)
    program.dispose()
    const x = floats(1) // it still runs
    expect(valuesAt(x, 1)).toEqual([1])
    core.free(x)
  })
})

it('refuses a module that is no engine', async () => {
  const empty = await WebAssembly.compile(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0))
  await expect(createWasmEngine(empty)).rejects.toThrow(/of another version/)
})
