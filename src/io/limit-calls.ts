/** A function of which at most `limit` calls run at a time; the others wait in order. */
export function limitCalls<A extends readonly unknown[], R>(
  limit: number,
  call: (...args: A) => Promise<R>,
): (...args: A) => Promise<R> {
  const waiting: (() => void)[] = []
  let running = 0
  return async (...args) => {
    if (running < limit) running++
    else await new Promise<void>((resolve) => waiting.push(resolve)) // a call that ends hands its slot on
    try {
      return await call(...args)
    } finally {
      const next = waiting.shift()
      if (next) next()
      else running--
    }
  }
}
