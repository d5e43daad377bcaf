import { BackendError } from '../../errors.js'
import { alreadyRun } from './already-run.js'
import { type Address, type EncodedProgram, type EngineCore, type EngineProgram, isEngineInfo } from './engine-core.js'
import { type EngineFailure, engineError } from './engine-failure.js'
import { tables, tablesDifference } from './tables.js'
import { wasmExports } from './wasm-exports.js'

/** Kinds of failures by their numbers in native/wasm/face.cc. */
const KINDS = ['program', 'range', 'value', 'memory'] as const

/** Bytes of a `Constant`, a `Text` and a `Call` in native/wasm/face.cc. */
const [CONSTANT_BYTES, TEXT_BYTES, CALL_BYTES] = [12, 8, 28]

/** More of it is given back when a program has been made. */
const MAX_SCRATCH_KEPT = 65536

/**
 * The engine on WebAssembly, on one thread: that of JavaScript which calls it. It has at most 4 GB, which are never returned.
 *
 * @param module one of `engines/*.wasm`
 * @throws BackendError if it is of another version than this package
 */
export async function createWasmEngine(module: WebAssembly.Module): Promise<EngineCore> {
  const failures: EngineFailure[] = []
  let isBroken = false
  const report = (
    kind: number,
    message: number,
    messageLength: number,
    expected: number,
    expectedLength: number,
    first: number,
    second: number,
  ): void => {
    const texts = { message: textAt(message, messageLength), expected: textAt(expected, expectedLength) }
    failures.push(failureOf(KINDS[kind] ?? 'program', { ...texts, first, second }))
  }
  const now = (_clock: number, _precision: bigint, to: number): number => {
    new DataView(wasm.memory.buffer).setBigUint64(to >>> 0, BigInt(Math.round(performance.now() * 1e6)), true)
    return 0
  }
  const wasm = wasmExports(
    await WebAssembly.instantiate(module, {
      host: { report },
      wasi_snapshot_preview1: { clock_time_get: now, ...NO_FILES },
    }),
  )
  const textAt = (address: number, length: number): string =>
    // Decoders take no shared memory, so a copy.
    new TextDecoder().decode(new Uint8Array(wasm.memory.buffer, address >>> 0, length).slice())

  /** Calls the engine. 0 stands for a failure. */
  const checked = (call: () => number): number => {
    if (isBroken)
      throw new BackendError('The engine has broken down before', { hint: 'Restart the program, or reload the page.' })
    failures.length = 0
    let result: number
    try {
      result = call() >>> 0
    } catch (cause) {
      isBroken = true
      throw new BackendError('The engine has broken down', { found: String(cause), cause })
    }
    if (result !== 0) return result
    throw engineError(failures[0] ?? { kind: 'program', message: 'the engine does not say what' })
  }

  const json = (call: () => number): unknown => {
    const start = checked(call)
    const end = new Uint8Array(wasm.memory.buffer).indexOf(0, start)
    return JSON.parse(textAt(start, end - start))
  }

  const create = (encoded: EncodedProgram): number => {
    const { words, constants, texts } = encoded
    const encodedTexts = texts.map((text) => new TextEncoder().encode(text))
    const layout = new Layout()
    const wordsAt = layout.add(words.byteLength)
    const constantsAt = layout.add(constants.length * CONSTANT_BYTES)
    const textsAt = layout.add(texts.length * TEXT_BYTES)
    const constantAts = constants.map(({ byteLength }) => layout.add(byteLength))
    const textAts = encodedTexts.map(({ byteLength }) => layout.add(byteLength))
    const base = checked(() => wasm.scratch(layout.bytes))
    const { buffer } = wasm.memory
    const copy = (source: ArrayBufferView, offset: number): void => {
      const { byteOffset, byteLength } = source
      new Uint8Array(buffer, base + offset, byteLength).set(new Uint8Array(source.buffer, byteOffset, byteLength))
    }
    copy(words, wordsAt)
    constants.forEach((values, i) => {
      const at = constantAts[i] ?? 0
      copy(values, at)
      const dtype = values instanceof Float32Array ? 'float32' : values instanceof Int32Array ? 'int32' : 'bool'
      const fields = [tables.dtypes.indexOf(dtype), base + at, values.byteLength]
      new Uint32Array(buffer, base + constantsAt + i * CONSTANT_BYTES, 3).set(fields)
    })
    encodedTexts.forEach((text, i) => {
      const at = textAts[i] ?? 0
      copy(text, at)
      new Uint32Array(buffer, base + textsAt + i * TEXT_BYTES, 2).set([base + at, text.byteLength])
    })
    try {
      return checked(() =>
        wasm.create(base + wordsAt, words.length, base + constantsAt, constants.length, base + textsAt, texts.length),
      )
    } finally {
      if (layout.bytes > MAX_SCRATCH_KEPT) wasm.scratch(0)
    }
  }

  /** Writes a call, and makes it: `at` is its address, `out` that of what it gives. */
  const call = (
    program: number,
    lists: readonly [args: readonly Address[], captures: readonly Address[], replaced: readonly number[]],
    outBytes: number,
    make: (at: number, out: number) => number,
  ): number => {
    const layout = new Layout()
    const out = layout.add(outBytes)
    const at = layout.add(CALL_BYTES)
    const offsets = lists.map((list) => layout.add(list.length * 4))
    const base = checked(() => wasm.scratch(layout.bytes))
    const fields = [program]
    lists.forEach((list, i) => {
      const address = base + (offsets[i] ?? 0)
      fields.push(address, list.length)
      new Uint32Array(wasm.memory.buffer, address, list.length).set(list)
    })
    new Uint32Array(wasm.memory.buffer, base + at, fields.length).set(fields)
    checked(() => make(base + at, base + out))
    return base + out
  }

  const programOf = (encoded: EncodedProgram): EngineProgram => {
    let program = create(encoded)
    const [results, steps] = [wasm.resultCount(program), wasm.stepCount(program)]
    const living = (): number => {
      if (program !== 0) return program
      throw engineError({ kind: 'program', message: 'the program was disposed of' })
    }
    const run: EngineProgram['run'] = (args, captures, replaced = []) => {
      const out = call(living(), [args, captures, replaced], results * 4, wasm.run)
      return Array.from(new Uint32Array(wasm.memory.buffer, out, results))
    }
    return {
      run,
      start: (args, captures, replaced) => alreadyRun(() => run(args, captures, replaced)),
      profile: (args, captures) => {
        const out = call(living(), [args, captures, []], steps * 8, wasm.profile)
        return Array.from(new Float64Array(wasm.memory.buffer, out, steps))
      },
      dispose: () => {
        if (program !== 0) wasm.dispose(program)
        program = 0
      },
    }
  }

  wasm._initialize()
  const difference = tablesDifference(json(wasm.tables))
  if (difference !== undefined) {
    throw new BackendError('The engine encodes programs in another way than this package', {
      found: difference,
      hint: 'Rebuild it: `npm run build:engines`.',
    })
  }
  return {
    allocate: (bytes) => {
      if (bytes > MAX_BYTES) throw engineError({ kind: 'memory', bytes, halfWritten: false })
      return checked(() => wasm.allocate(bytes))
    },
    free: (address) => {
      checked(() => wasm.free(address))
    },
    bytes: (address, length) => new Uint8Array(wasm.memory.buffer, address, length),
    create: programOf,
    memory: () => ({
      arena: wasm.arenaBytes() >>> 0,
      packed: wasm.packedBytes() >>> 0,
      tensors: wasm.tensorCount(),
      tensorBytes: wasm.tensorBytes() >>> 0,
    }),
    info: () => {
      const info = json(wasm.info)
      if (isEngineInfo(info)) return info
      throw new BackendError('The engine describes itself in another way than expected', {
        found: JSON.stringify(info),
      })
    },
    setThreads: (count) => {
      checked(() => wasm.setThreads(count))
    },
    setKernels: (name) => {
      const text = new TextEncoder().encode(name)
      const base = checked(() => wasm.scratch(text.length))
      new Uint8Array(wasm.memory.buffer, base, text.length).set(text)
      checked(() => wasm.setKernels(base, text.length))
    },
  }
}

/** What a length in WebAssembly may be at most. */
const MAX_BYTES = 2 ** 32 - 1

/** The C library's files, of which there are none here. */
const NO_FILES = Object.fromEntries(['fd_close', 'fd_seek', 'fd_write'].map((name) => [name, () => 52]))

/** Where parts of a block of memory lie, each aligned to 8. */
class Layout {
  bytes = 0

  add(bytes: number): number {
    const at = this.bytes
    this.bytes += Math.ceil(bytes / 8) * 8
    return at
  }
}

function failureOf(
  kind: EngineFailure['kind'],
  { message, expected, first, second }: { message: string; expected: string; first: number; second: number },
): EngineFailure {
  switch (kind) {
    case 'program':
    case 'range':
      return { kind, message }
    case 'value':
      return { kind, message, expected, position: first, value: second }
    case 'memory':
      return { kind, bytes: first, halfWritten: second === 1 }
  }
}
