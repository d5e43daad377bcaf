import type { Jitted } from './jitted.js'

let isReported = false

/** What `jit` makes of a function in a page: the function itself. */
export function makeJitted<Args extends readonly unknown[], Result>(
  fn: (...args: Args) => Result,
): Jitted<Args, Result> {
  if (!isReported) console.info('siglip-tfjs: jit runs functions as they are: its engine runs in Node only')
  isReported = true
  const call = (...args: Args): Result => fn(...args)
  return Object.assign(call, {
    async: async (...args: Args): Promise<Awaited<Result>> => await fn(...args),
    traces: 0,
    dispose: () => undefined,
  })
}
