import * as tf from '@tensorflow/tfjs'

import { BackendError, InputError } from '../errors.js'
import {
  BACKEND_NAMES,
  type BackendName,
  type BackendOptions,
  type BackendPreference,
  type BackendReport,
  describeBackend,
} from './backend-report.js'

/** A backend that may run here. */
export interface Candidate {
  readonly name: BackendName
  readonly tfBackend: string
  /** Registers it in tfjs, or says why it cannot run. */
  readonly prepare: () => Prepared | Promise<Prepared>
  /** Called once it has started, maybe several times. */
  readonly started?: () => void
  /** What the user can do to have it: a whole sentence without its full stop. */
  readonly remedy?: string
}

/** The version of what will compute and why it can, or why it cannot. */
export type Prepared = { readonly version: string; readonly reason: string } | { readonly missing: string }

/** What surrounds the program. */
export interface Environment {
  /** Replaces the preference `auto`. */
  readonly preference: string | undefined
  /** Prints a line for the user, or nothing if he wants none. */
  readonly say: (line: string) => void
}

/** The functions of `#backend`. */
export interface BackendSelector {
  /**
   * Chooses and starts the backend that everything computes on. With `auto`, a backend that the program has already set is
   * respected, else the fastest that can run here is taken; a program's first call prints one line to stderr saying which.
   * Calls at the same moment share one promise.
   *
   * @throws BackendError if the one asked for cannot run here, with the reason and the remedy.
   */
  readonly useBackend: (preference?: BackendPreference, options?: BackendOptions) => Promise<BackendReport>
  /** What `useBackend` said last, or `undefined` before it was called. */
  readonly currentBackend: () => BackendReport | undefined
  /**
   * For what computes without having waited for `useBackend`: where no backend was chosen and tfjs has started in plain
   * JavaScript by itself, that is said, once.
   */
  readonly tellUnchosen: () => void
}

/** @param candidates the fastest first. */
export function backendSelector(candidates: readonly Candidate[], environment: () => Environment): BackendSelector {
  const underway = new Map<BackendPreference, Promise<BackendReport>>()
  let last: Promise<unknown> = Promise.resolve()
  let current: BackendReport | undefined
  let said = false
  let toldUnchosen = false

  async function start(preference: BackendPreference, { quiet = false }: BackendOptions): Promise<BackendReport> {
    const { preference: fromOutside, say } = environment()
    const asked = preference === 'auto' && fromOutside ? checkPreference(fromOutside, 'SIGLIP_BACKEND') : preference
    current = await select(asked)
    if (!said && !quiet) {
      said = true
      say(describeBackend(current))
    }
    return current
  }

  async function select(asked: BackendPreference): Promise<BackendReport> {
    if (asked === 'auto') {
      const chosen = chosenByProgram()
      if (chosen !== undefined) return current?.tfBackend === chosen ? current : reportChosen(chosen)
    }
    const tried = candidates.filter(({ name }) => asked === 'auto' || name === asked)
    const misses: { readonly candidate: Candidate; readonly missing: string }[] = []
    for (const candidate of tried) {
      const prepared = await startCandidate(candidate)
      if ('missing' in prepared) {
        misses.push({ candidate, missing: prepared.missing })
        continue
      }
      const { name, tfBackend } = candidate
      const faster = misses.find((miss) => miss.candidate.remedy !== undefined)
      return {
        name,
        tfBackend,
        version: prepared.version,
        reason:
          misses.map((miss) => `no ${miss.candidate.name} backend, ${miss.missing}`).join('; ') || prepared.reason,
        ...(faster?.candidate.remedy === undefined ? {} : { hint: faster.candidate.remedy }),
      }
    }
    throw new BackendError(`The backend ${asked} cannot run here`, {
      found: misses.map(({ candidate, missing }) => `${candidate.name}: ${missing}`).join('; ') || asked,
      hint: tried[0]?.remedy,
    })
  }

  async function startCandidate(candidate: Candidate): Promise<Prepared> {
    try {
      const prepared = await candidate.prepare()
      if ('missing' in prepared) return prepared
      if (await tf.setBackend(candidate.tfBackend)) {
        candidate.started?.()
        return prepared
      }
      return { missing: 'it does not start' }
    } catch (cause) {
      return { missing: `it does not start: ${cause instanceof Error ? cause.message : String(cause)}` }
    }
  }

  /** tfjs starts on its `cpu` backend by itself as soon as something computes, so that is no choice of anybody's. */
  function chosenByProgram(): string | undefined {
    const name: unknown = tf.getBackend()
    return typeof name === 'string' && (name !== 'cpu' || current?.name === 'cpu') ? name : undefined
  }

  async function reportChosen(tfBackend: string): Promise<BackendReport> {
    const candidate = candidates.find((known) => known.tfBackend === tfBackend)
    const prepared = await candidate?.prepare() // it may lack kernels that are added here
    candidate?.started?.()
    const version = prepared && 'version' in prepared ? prepared.version : tf.version.tfjs
    const reason = `the program has set the backend ${tfBackend} itself`
    return { name: candidate?.name ?? 'other', tfBackend, version, reason }
  }

  return {
    useBackend(preference = 'auto', options = {}) {
      const asked = checkPreference(preference, 'preference')
      const shared = underway.get(asked)
      if (shared) return shared
      // One after the other: tfjs has one backend at a time.
      const started = last.then(() => start(asked, options)).finally(() => underway.delete(asked))
      last = started.catch(() => undefined)
      underway.set(asked, started)
      return started
    },
    currentBackend: () => current,
    tellUnchosen() {
      if (toldUnchosen || current) return
      tf.backend() // starts, if nothing has
      if (tf.getBackend() !== 'cpu') return
      toldUnchosen = true
      environment().say(
        'siglip-tfjs runs in plain JavaScript: `await useBackend()` before a model is made takes the fastest that is here',
      )
    },
  }
}

function checkPreference(value: string, where: string): BackendPreference {
  const known = (['auto', ...BACKEND_NAMES] as const).find((name) => name === value)
  if (known) return known
  throw new InputError('There is no such backend', {
    expected: `auto, ${BACKEND_NAMES.join(', ')}`,
    found: value,
    where,
  })
}
