import { HubError } from '../errors.js'

const TOKEN = 'a token (`hf auth login`, HF_TOKEN or the option `token`)'

/**
 * The meaning of an unsuccessful response. The hub states it in `X-Error-Code`; a 401 without one is the response for models that are missing as
 * well as for private ones.
 * Source: `hf_raise_for_status` of huggingface_hub's `utils/_http.py`.
 */
export function hubRefusal(response: Response, url: string): HubError {
  const { status, headers } = response
  const said = headers.get('x-error-message') ?? response.statusText
  const detail = { status, found: `HTTP ${status} ${said}`.trimEnd(), where: withoutQuery(url) }
  const refusal = (summary: string, hint: string): HubError => new HubError(summary, { ...detail, hint })

  switch (headers.get('x-error-code')) {
    case 'RevisionNotFound':
      return refusal('Revision not found', 'Check the name of the branch or tag, or the commit.')
    case 'EntryNotFound':
      return refusal('The model does not have this file', 'Check the name of the file and the revision.')
    case 'GatedRepo':
      return refusal(
        'The model is gated',
        `Accept its terms on its page on the hub, then give ${TOKEN} of the account that did.`,
      )
  }
  if (status === 401 && said.startsWith('Invalid credentials'))
    return refusal('The hub does not accept the token', 'Renew it, or remove it: public models need none.')
  if (status === 401 || status === 404)
    return refusal(
      'The model does not exist on the hub, or it is private',
      `Check the name, or the path if a folder on disk was meant; a private model needs ${TOKEN}.`,
    )
  if (status === 403)
    return refusal('The hub denies access', `Check the rights of the token; if there is none, give ${TOKEN}.`)
  if (status === 429) {
    const wait = Math.ceil((askedToWait(response) ?? 300_000) / 1000)
    const hint = `Try again in ${wait} s, or give ${TOKEN}, with which limits are wider.`
    return refusal('The hub limits the rate of requests', hint)
  }
  if (status >= 500) return refusal('The hub has a failure', 'Try again later.')
  return refusal('The hub refuses the request', 'Check the endpoint: is it a hub?')
}

/** A URL for messages: signed ones carry their permission in the query. */
export function withoutQuery(url: string): string {
  return url.replace(/[?#].*$/, '')
}

/** Milliseconds that the answer asks to wait: `Retry-After` in seconds or as a date, or the hub's own `RateLimit: …;t=55`. */
export function askedToWait({ headers }: Response): number | undefined {
  const after = headers.get('retry-after')
  const seconds = after ?? /;\s*t=(\d+)/.exec(headers.get('ratelimit') ?? '')?.[1]
  if (seconds === undefined) return undefined
  const milliseconds = /^\d+$/.test(seconds) ? Number(seconds) * 1000 : Date.parse(seconds) - Date.now()
  return Number.isNaN(milliseconds) ? undefined : Math.max(0, milliseconds)
}
