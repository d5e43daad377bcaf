/** Frames of a stack that are tfjs' (as built, or as its source maps name it) or Node's own. */
const FOREIGN = /\/@tensorflow\/|\/tfjs-(?:core|layers|data|converter|node|backend-\w+)\/|^node:|<anonymous>/

/** Where this file is in this package. */
const HERE = /((?:src\/)?)jit\/record\/user-line\.[jt]s/

/** More frames than tfjs puts between a program and an operation; Node writes down ten by itself. */
const FRAMES = 100

/** The folder of this package's rooms, with a slash at its end: learnt from the first stack, whose innermost frame is this file. */
let root: string | undefined

/**
 * The line of the user's program that is being run: the innermost one that is neither tfjs' nor this package's, or the
 * innermost of this package's if there is none.
 *
 * @returns `file:line:column`, or `undefined` where stacks are written otherwise than in V8.
 */
export function userLine(): string | undefined {
  const limit = Error.stackTraceLimit
  Error.stackTraceLimit = FRAMES
  const { stack = '' } = new Error()
  Error.stackTraceLimit = limit
  return lineOf(stack)
}

function lineOf(stack: string): string | undefined {
  let inner: string | undefined
  for (const frame of stack.split('\n')) {
    const place = /^\s*at (?:.*\()?(?:file:\/\/)?([^()]+:\d+:\d+)\)?$/.exec(frame)?.[1]
    if (place === undefined || FOREIGN.test(place)) continue
    root ??= rootOf(place)
    const isOurs =
      root !== undefined && [root, root.replace(/src\/$/, 'converters/')].some((at) => place.startsWith(at))
    if (!isOurs) return place
    if (!place.startsWith(`${root}jit/`)) inner ??= place
  }
  return inner
}

function rootOf(place: string): string | undefined {
  const found = HERE.exec(place)
  return found ? place.slice(0, found.index) + (found[1] ?? '') : undefined
}
