/** Where this file is in this package, as stack traces write it. */
const HERE = /(?:src\/)?runtime\/jit\/user-line\.(?:ts|js)/

/** Frames of a stack that are tfjs' (as built, or as its source maps name it) or Node's own. */
const FOREIGN = /\/@tensorflow\/|\/tfjs-(?:core|layers|data|converter|node|backend-\w+)\/|^node:|<anonymous>/

/**
 * The line of the user's program that is being run: the innermost one that is neither tfjs' nor this package's, or the
 * innermost of this package if there is none.
 *
 * @returns `file:line:column`, or `undefined` where stacks are written otherwise.
 */
export function userLine(): string | undefined {
  const limit = Error.stackTraceLimit
  Error.stackTraceLimit = 100
  const { stack = '' } = new Error()
  Error.stackTraceLimit = limit
  let inner: string | undefined
  for (const frame of stack.split('\n').slice(1)) {
    const place = /\(?(?:file:\/\/)?([^()\s][^()]*:\d+:\d+)\)?$/.exec(
      frame.replace(/^\s*at (?:async )?/, '').replace(/^.*\(/, ''),
    )?.[1]
    if (place === undefined || FOREIGN.test(place)) continue
    root ??= rootOf(place)
    if (root === undefined || !isOurs(place, root)) return place
    if (!place.startsWith(`${root}runtime/jit/`)) inner ??= place
  }
  return inner
}

/** The folder of this package's rooms, with a slash at its end; learnt from the first stack, whose innermost frame is this file. */
let root: string | undefined

function rootOf(place: string): string | undefined {
  const found = HERE.exec(place)
  return found ? place.slice(0, found.index) + (found[0].startsWith('src/') ? 'src/' : '') : undefined
}

function isOurs(place: string, root: string): boolean {
  return place.startsWith(root) || place.startsWith(root.replace(/src\/$/, 'converters/'))
}
