import type * as tf from '@tensorflow/tfjs'

/**
 * The order of calls, kept for each variable: what is computed off JavaScript's thread has the effect of calls that run one after the
 * other as they were made. A call waits for those before it that write what it uses, or have still to read what it writes; other calls
 * run at once. Until then a variable that is assigned, read or disposed of by the caller waits for the calls that were made before.
 *
 * @module
 */

/** A run that has begun. */
export interface Started<Result> {
  /** Settles at the run's end, however it ends. */
  readonly ended: Promise<void>
  /** Waits for the end, and gives variables their new values. Called once. Throws as the run did. */
  readonly finish: () => Result
}

/** A call to be put in its place. */
export interface OrderedCall<Result> {
  readonly reads: ReadonlySet<tf.Variable>
  readonly writes: ReadonlySet<tf.Variable>
  /** Called where it can't start at once: what it needs must outlive the caller's. */
  readonly hold: () => void
  /** Begins, from the values that variables have now. */
  readonly start: () => Started<Result>
}

/** Runs a call in its place. */
export function inOrder<Result>(call: OrderedCall<Result>): Promise<Result> {
  return new Promise<Result>((resolve, reject) => {
    new Pending(call, resolve, reject).enter()
  })
}

/** Runs something that sees variables as they are, calls under way or not. */
export function asTheyAre<T>(run: () => T): T {
  const before = seesAll
  seesAll = true
  try {
    return run()
  } finally {
    seesAll = before
  }
}

let seesAll = false

/** Calls that variables wait for, in the order they were made. */
const underway = new Set<Ordered>()

/** The calls that a variable's next one may have to wait for. */
interface Users {
  writer: Ordered | undefined
  /** Those after the writer that have not begun. */
  readers: Ordered[]
}

const usersOf = new WeakMap<tf.Variable, Users>()

interface Ordered {
  /** Those that it still waits for. */
  readonly before: ReadonlySet<Ordered>
  readonly hasBegun: boolean
  readonly isSettled: boolean
  /** Ends it, on this thread. To be called when the calls before it are settled. */
  readonly settle: () => void
  readonly whenSettled: (next: () => void) => void
}

class Pending<Result> implements Ordered {
  readonly before = new Set<Ordered>()
  readonly #next: (() => void)[] = []
  #started: Started<Result> | undefined
  isSettled = false

  constructor(
    private readonly call: OrderedCall<Result>,
    private readonly resolve: (result: Result) => void,
    private readonly reject: (reason: unknown) => void,
  ) {}

  get hasBegun(): boolean {
    return this.#started !== undefined || this.isSettled
  }

  enter(): void {
    const { reads, writes } = this.call
    for (const variable of [...reads, ...writes]) this.#after(usersOf.get(variable)?.writer)
    for (const variable of writes) for (const reader of usersOf.get(variable)?.readers ?? []) this.#after(reader)
    const waits = this.before.size > 0
    if (waits) asTheyAre(this.call.hold)
    else this.#begin()
    if (this.isSettled) return
    if (waits || writes.size > 0) underway.add(this)
    if (waits) for (const variable of reads) this.#reads(variable)
    for (const variable of writes) {
      usersOf.set(variable, { writer: this, readers: [] })
      watch(variable, this)
    }
    let left = this.before.size
    for (const call of this.before) {
      call.whenSettled(() => {
        if (--left === 0) this.#begin()
      })
    }
  }

  whenSettled(next: () => void): void {
    this.#next.push(next)
  }

  settle(): void {
    this.#begin()
    if (this.isSettled || !this.#started) return
    const { finish } = this.#started
    try {
      this.resolve(asTheyAre(finish))
    } catch (error) {
      this.reject(error)
    }
    this.#end()
  }

  #after(call: Ordered | undefined): void {
    if (call && call !== this && !call.isSettled) this.before.add(call)
  }

  #reads(variable: tf.Variable): void {
    const users = usersOf.get(variable) ?? { writer: undefined, readers: [] }
    users.readers = [...users.readers.filter(({ hasBegun }) => !hasBegun), this]
    usersOf.set(variable, users)
    watch(variable, this)
  }

  #begin(): void {
    if (this.hasBegun) return
    this.before.clear()
    try {
      this.#started = asTheyAre(this.call.start)
    } catch (error) {
      this.reject(error)
      this.#end()
      return
    }
    const { reads, writes } = this.call
    for (const variable of reads) if (!writes.has(variable)) unwatch(variable, this)
    void this.#started.ended.then(() => {
      if (!this.isSettled) this.settle()
    })
  }

  #end(): void {
    this.isSettled = true
    underway.delete(this)
    for (const variable of [...this.call.reads, ...this.call.writes]) {
      unwatch(variable, this)
      if (usersOf.get(variable)?.writer === this) usersOf.delete(variable)
    }
    for (const next of this.#next.splice(0)) queueMicrotask(next)
  }
}

/** Variables whose readers wait. */
const watched = new Map<tf.Variable, { dataId: object; readonly by: Set<Ordered> }>()

function watch(variable: tf.Variable, call: Ordered): void {
  const known = watched.get(variable)
  if (known) {
    known.by.add(call)
    return
  }
  const held = { dataId: variable.dataId, by: new Set([call]) }
  watched.set(variable, held)
  // All that tfjs does with a variable begins with the identity of its data.
  Object.defineProperty(variable, 'dataId', {
    configurable: true,
    enumerable: true,
    get: () => {
      if (!seesAll) for (const call of needed(held.by)) if (!call.isSettled) call.settle()
      return held.dataId
    },
    set: (dataId: object) => {
      held.dataId = dataId
    },
  })
}

function unwatch(variable: tf.Variable, call: Ordered): void {
  const held = watched.get(variable)
  if (!held?.by.delete(call) || held.by.size > 0) return
  watched.delete(variable)
  Object.defineProperty(variable, 'dataId', {
    configurable: true,
    enumerable: true,
    writable: true,
    value: held.dataId,
  })
}

/** These calls and those that they wait for, in the order they were made. */
function needed(calls: ReadonlySet<Ordered>): readonly Ordered[] {
  const wanted = new Set(calls)
  return [...underway]
    .reverse()
    .filter((call) => {
      if (!wanted.has(call)) return false
      for (const before of call.before) wanted.add(before)
      return true
    })
    .reverse()
}
