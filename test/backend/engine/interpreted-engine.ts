import type { Address, EngineCore, EngineProgram } from '../../../src/backend/engine/engine-core.js'
import { BackendError, InputError } from '../../../src/errors.js'
import { decodeProgram } from '../../jit/decode-program.js'
import { runOnMemory } from '../../jit/program-runner.js'

/** An engine whose programs run one element after another in JavaScript. Its memory moves at each allocation, as any may. */
export function interpretedEngine(): EngineCore {
  const tensors = new Map<Address, Uint8Array<ArrayBuffer>>()
  let next = 64
  const tensorAt = (address: Address): Uint8Array<ArrayBuffer> => {
    const tensor = tensors.get(address)
    if (tensor) return tensor
    throw new BackendError('The engine refuses a program', { found: `no tensor at ${address}` })
  }
  const allocate = (bytes: number): Address => {
    for (const [address, tensor] of tensors)
      tensors.set(address, structuredClone(tensor, { transfer: [tensor.buffer] }))
    const address = next
    next += Math.ceil((bytes + 1) / 64) * 64
    tensors.set(address, new Uint8Array(bytes).fill(0xff))
    return address
  }
  const create: EngineCore['create'] = (encoded) => {
    const program = decodeProgram(encoded)
    const over = new Map<number, number>()
    for (const buffer of program.buffers) {
      if (buffer.kind === 'result' && buffer.over !== undefined) over.set(buffer.index, buffer.over)
    }
    const run: EngineProgram['run'] = (args, captures, replaced = []) => {
      const memory = (address: Address): DataView => new DataView(tensorAt(address).slice().buffer)
      let results
      try {
        results = runOnMemory(program, args.map(memory), captures.map(memory))
      } catch (cause) {
        if (cause instanceof RangeError) throw new InputError('An index is out of range', { cause })
        throw cause
      }
      return results.map(({ data }, index) => {
        const capture = captures[over.get(index) ?? -1]
        const isOver = capture !== undefined && replaced.includes(over.get(index) ?? -1)
        const address = isOver ? capture : allocate(data.byteLength)
        tensorAt(address).set(new Uint8Array(data.buffer))
        return address
      })
    }
    return {
      run,
      start(args, captures, replaced) {
        const results = run(args, captures, replaced)
        return { ended: Promise.resolve(), finish: () => results }
      },
      profile: () => program.steps.map(() => 0),
      dispose: () => undefined,
    }
  }
  return {
    allocate,
    create,
    free(address) {
      tensorAt(address)
      tensors.delete(address)
    },
    bytes: (address, length) => tensorAt(address).subarray(0, length),
    memory: () => ({ arena: 0, packed: 0, tensors: tensors.size, tensorBytes: 0 }),
    info: () => ({ kernels: 'interpreted', usable: ['interpreted'], bfloat16: false, threads: 1 }),
    setThreads: () => undefined,
    setKernels: () => undefined,
  }
}
