import { setTimeout as sleep } from 'node:timers/promises'
import { types } from 'node:util'
import { HubError } from '../errors.js'
import type { Fetch, FetchInit } from './hub-options.js'
import { askedToWait, hubRefusal, withoutQuery } from './hub-refusal.js'

/** What requests to the hub are made with. */
export interface HubConnection {
  /** The hub's address, without a slash at the end. */
  readonly endpoint: string
  readonly token: string | undefined
  readonly fetch: Fetch
  readonly signal: AbortSignal | undefined
  /** Milliseconds without a byte after which a connection is given up. */
  readonly timeout: number
  /** Milliseconds before the first of the retries, doubled for each after it. */
  readonly retryDelay: number
}

/** How often a request is made before its failure is final. */
const ATTEMPTS = 5
const MAX_REDIRECTS = 5
/** Longer waits than this, in milliseconds, that a server asks for are reported to the user instead. */
const MAX_WAIT = 5 * 60_000

/** Why no connection comes about at all; then waiting for seconds doesn't help. */
const NO_NETWORK =
  /^(ENOTFOUND|EAI_|ECONNREFUSED|ENETUNREACH|EHOSTUNREACH|UND_ERR_CONNECT_TIMEOUT|.*CERT|ERR_TLS|ERR_SSL|UNABLE_TO)/

/**
 * Sends a request to the hub, and returns a successful response. Overloads, failures of the server and broken connections are
 * tried again a few times; redirections are followed, with the token going to the endpoint itself only.
 *
 * @param attempts how often it is made at most; 1 where there is something else to fall back on.
 * @throws HubError saying what the hub answers, or that it is out of reach; the signal's reason if it is aborted.
 */
export async function hubRequest(
  connection: HubConnection,
  url: string,
  init: FetchInit = {},
  attempts = ATTEMPTS,
): Promise<Response> {
  for (let attempt = 1; ; attempt++) {
    const answer = await follow(connection, url, init)
    if (!(answer instanceof HubError) && answer.ok) return answer
    const refusal = answer instanceof HubError ? answer : hubRefusal(answer, url)
    const asked = answer instanceof HubError ? undefined : askedToWait(answer)
    const delay = asked ?? connection.retryDelay * 2 ** (attempt - 1)
    if (!isTransient(refusal) || attempt >= attempts || delay > MAX_WAIT) throw refusal
    await pause(connection, delay)
  }
}

/** Waits, unless the work is stopped. */
export async function pause({ signal }: Pick<HubConnection, 'signal'>, milliseconds: number): Promise<void> {
  await sleep(milliseconds, undefined, signal && { signal }).catch(() => undefined)
  signal?.throwIfAborted()
}

/** Follows redirections by hand: a `fetch` may take the token along to wherever they lead. */
async function follow(connection: HubConnection, start: string, init: FetchInit): Promise<Response | HubError> {
  let url = start
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    const response = await ask(connection, url, init)
    if (response instanceof HubError) return response
    const target = response.headers.get('location')
    if (response.status < 300 || response.status >= 400 || target === null) return response
    await response.body?.cancel()
    url = new URL(target, url).href
  }
  return new HubError('The hub redirects without end', { where: withoutQuery(start), hint: 'Check the endpoint.' })
}

async function ask(connection: HubConnection, url: string, init: FetchInit): Promise<Response | HubError> {
  const { endpoint, token, signal, timeout } = connection
  const isHub = new URL(url).origin === new URL(endpoint).origin
  const headers = { ...init.headers, ...(token !== undefined && isHub && { authorization: `Bearer ${token}` }) }
  const watch = new StallWatch(timeout, signal)
  try {
    const response = await watch.during(
      connection.fetch(url, { ...init, headers, redirect: 'manual', signal: watch.signal }),
    )
    return watched(response, watch)
  } catch (error) {
    signal?.throwIfAborted()
    return outOfReach(error, url)
  }
}

/** Aborts a request whose other side has fallen silent. */
class StallWatch {
  readonly #silence = new AbortController()
  readonly signal: AbortSignal

  constructor(
    readonly timeout: number,
    signal: AbortSignal | undefined,
  ) {
    this.signal = signal ? AbortSignal.any([signal, this.#silence.signal]) : this.#silence.signal
  }

  async during<T>(work: Promise<T>): Promise<T> {
    const timer = setTimeout(() => {
      this.#silence.abort(new Error(`no answer for ${this.timeout / 1000} s`))
    }, this.timeout)
    try {
      return await work
    } finally {
      clearTimeout(timer)
    }
  }
}

/** The same answer, whose body fails when it stalls. */
function watched(response: Response, watch: StallWatch): Response {
  if (!response.body) return response
  const reader = response.body.getReader()
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const part = await watch.during(reader.read())
        if (part.done) controller.close()
        else controller.enqueue(part.value)
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  )
  const { status, statusText, headers } = response
  return new Response(body, { status, statusText, headers })
}

function outOfReach(error: unknown, url: string): HubError {
  const found = reasonOf(error)
  return new HubError('The hub can’t be reached', {
    found,
    where: withoutQuery(url),
    hint: 'Check the connection (behind a proxy, give a `fetch` that uses it), or the path if a folder on disk was meant. What is in the cache loads with localFilesOnly, or HF_HUB_OFFLINE=1.',
    cause: error,
  })
}

/** What stopped a request: the code of the innermost error, which is the most specific. */
export function reasonOf(error: unknown): string {
  if (!types.isNativeError(error)) return String(error)
  if (error.cause !== undefined) return reasonOf(error.cause)
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message
}

function isTransient({ status, cause, found = '' }: HubError): boolean {
  if (status === undefined) return cause !== undefined && !NO_NETWORK.test(found)
  return status === 408 || status === 429 || status >= 500
}
