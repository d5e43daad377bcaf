import * as tf from '@tensorflow/tfjs'

import type { EngineCore, EngineInfo } from '../src/backend/engine/engine-core.js'
import { encodeProgram } from '../src/jit/program/encode-program.js'
import type { Engine } from '../src/jit/program/engine.js'
import type { Program } from '../src/jit/program/program.js'

/** What suites of programs use of an engine. */
export type ProgramEngine = EngineInfo & Pick<Engine, 'compile' | 'setThreads' | 'setKernels'>

/** The same of an engine that has its tensors. */
export function engineOn(core: EngineCore): ProgramEngine {
  return {
    ...core.info(),
    compile: (program) => executableOf(core, program),
    setThreads: core.setThreads,
    setKernels: core.setKernels,
  }
}

function executableOf(core: EngineCore, program: Program): ReturnType<Engine['compile']> {
  const made = core.create(encodeProgram(program))
  const upload = (tensor: tf.Tensor): number => {
    const values = tensor.dataSync()
    const address = core.allocate(values.byteLength)
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
    core.bytes(address, bytes.length).set(bytes)
    return address
  }
  const download = (addresses: readonly number[]): tf.Tensor[] =>
    addresses.map((address, index) => {
      const source = program.buffers.find((buffer) => buffer.kind === 'result' && buffer.index === index)
      if (source?.kind !== 'result') throw new Error(`there is no result ${index}`)
      const { shape, dtype } = source
      const length = tf.util.sizeFromShape([...shape]) * (dtype === 'bool' ? 1 : 4)
      const { buffer } = core.bytes(address, length).slice()
      core.free(address)
      const values =
        dtype === 'float32'
          ? new Float32Array(buffer)
          : dtype === 'int32'
            ? new Int32Array(buffer)
            : new Uint8Array(buffer)
      return tf.tensor(values, [...shape], dtype)
    })
  /** Calls with the tensors' addresses, which are freed then. */
  const withTensors = <R>(
    args: readonly tf.Tensor[],
    captures: readonly tf.Tensor[],
    call: (args: number[], captures: number[]) => R,
  ): R => {
    const [given, captured] = [args.map(upload), captures.map(upload)]
    try {
      return call(given, captured)
    } finally {
      for (const address of [...given, ...captured]) core.free(address)
    }
  }
  return {
    run: (args, captures) => download(withTensors(args, captures, (a, c) => made.run(a, c))),
    start: (args, captures) => {
      const { ended, finish } = withTensors(args, captures, (a, c) => made.start(a, c))
      return { ended, finish: () => download(finish()) }
    },
    profile: (args, captures) => withTensors(args, captures, (a, c) => made.profile(a, c)),
    dispose: made.dispose,
  }
}
