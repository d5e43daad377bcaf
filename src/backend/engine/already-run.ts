import { engineError } from './engine-failure.js'

/** Runs something at once where it was to be started; how it ended shows in `finish`, once. */
export function alreadyRun<Result>(run: () => Result): {
  readonly ended: Promise<void>
  readonly finish: () => Result
} {
  const made = ((): { readonly result: Result } | { readonly error: unknown } => {
    try {
      return { result: run() }
    } catch (error) {
      return { error }
    }
  })()
  let isFinished = false
  return {
    ended: Promise.resolve(),
    finish: () => {
      if (isFinished) throw engineError({ kind: 'program', message: 'a run is finished twice' })
      isFinished = true
      if ('result' in made) return made.result
      throw made.error
    },
  }
}
