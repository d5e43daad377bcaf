import { FileError, HubError, InputError } from '../errors.js'
import { allocate, checkRange } from '../io/byte-range.js'
import type { CheckpointFolder, CheckpointSource } from './checkpoint-folder.js'
import { checkFileName } from '../io/file-name.js'
import type { Fetch, FetchInit, HubOptions } from './hub-options.js'
import { hubRefusal } from './hub-refusal.js'
import { HUB_URL } from './hub-url.js'
import { isModelId, modelAt, revisionOf } from './model-id.js'

/**
 * Opens a checkpoint folder behind a URL or on the Hugging Face Hub. Weights are read piece by piece with HTTP ranges; from a server
 * that doesn't know them each file is fetched once, whole.
 *
 * @param source a URL, or a model's name on the hub: `name` or `owner/name`. A URL relative to the page is distinguished from a name by how it
 * begins or ends: `./model`, `/models/a` or `models/a/`.
 * An open folder is returned as it is.
 * @param options of the hub; at another URL only `fetch` counts.
 * @throws InputError if `source` is neither. Faults appear when a file is read: a HubError reports what the hub refuses.
 */
// eslint-disable-next-line @typescript-eslint/require-await -- what is wrong rejects, as it does in Node
export async function openFolder(
  source: CheckpointSource,
  { fetch: get = fetch, ...hub }: HubOptions = {},
): Promise<CheckpointFolder> {
  if (typeof source === 'object' && 'bytes' in source) return source
  const named = modelAt(String(source))
  if (named) return openModel(named.model, get, { ...hub, revision: revisionOf(named, hub.revision) })
  if (isModelId(String(source))) return openModel(String(source), get, hub)
  const base = typeof document === 'undefined' ? undefined : document.baseURI
  if (URL.canParse(source, base)) return new RemoteFolder(new URL(source, base), get)
  throw new InputError('Invalid URL of a checkpoint folder', {
    expected: 'a URL such as "https://example.org/models/siglip/", or a name such as "google/siglip-base-patch16-224"',
    found: JSON.stringify(String(source)),
  })
}

function openModel(
  model: string,
  get: Fetch,
  { revision = 'main', endpoint = HUB_URL, token, signal }: HubOptions,
): CheckpointFolder {
  const hub = endpoint.replace(/\/+$/, '')
  const authorization = typeof token === 'string' ? { authorization: `Bearer ${token}` } : {}
  const ask: Fetch = async (url, init) => {
    const headers = { ...init.headers, ...authorization } // which a browser takes to no other host
    const response = await get(url, { ...init, headers, ...(signal && { signal }) })
    if (response.ok || response.headers.get('x-error-code') === 'EntryNotFound') return response
    throw hubRefusal(response, url)
  }
  return new RemoteFolder(new URL(`${hub}/${model}/resolve/${encodeURIComponent(revision)}/`), ask)
}

class RemoteFolder implements CheckpointFolder {
  readonly location: string
  /** Files that had to be fetched whole. */
  private readonly whole = new Map<string, Promise<Uint8Array<ArrayBuffer>>>()

  constructor(
    private readonly base: URL,
    private readonly get: Fetch,
  ) {
    base.hash = ''
    if (!base.pathname.endsWith('/')) base.pathname += '/'
    this.location = base.href.replace(/\/$/, '')
  }

  async has(name: string): Promise<boolean> {
    const response = await this.ask(name, { method: 'HEAD' })
    if (isMissing(response)) return false
    if (!response.ok) throw refused(response, this.url(name))
    return true
  }

  async bytes(name: string): Promise<Uint8Array<ArrayBuffer>> {
    return this.body(name, await this.found(name, {}))
  }

  async size(name: string): Promise<number> {
    const kept = this.whole.get(name)
    if (kept) return (await kept).length
    const response = await this.found(name, { method: 'HEAD' })
    const length = response.headers.get('content-length')
    // The length of a compressed answer is not the file's.
    if (length === null || response.headers.has('content-encoding')) return (await this.keepWhole(name)).length
    return Number(length)
  }

  async range(name: string, start: number, end: number): Promise<Uint8Array<ArrayBuffer>> {
    const where = this.url(name)
    checkRange(start, end, await this.size(name), where)
    if (start === end) return new Uint8Array(0)
    if (!this.whole.has(name)) {
      const response = await this.ask(name, { headers: { range: `bytes=${start}-${end - 1}` } })
      if (response.status === 206) return exactly(response, end - start, where)
      if (!response.ok) throw refused(response, where)
      this.whole.set(name, this.body(name, response))
    }
    const file = await this.keepWhole(name)
    checkRange(start, end, file.length, where)
    return file.slice(start, end)
  }

  private keepWhole(name: string): Promise<Uint8Array<ArrayBuffer>> {
    const file = this.whole.get(name) ?? this.bytes(name)
    this.whole.set(name, file)
    file.catch(() => this.whole.delete(name)) // the next call tries again
    return file
  }

  private async body(name: string, response: Response): Promise<Uint8Array<ArrayBuffer>> {
    try {
      return new Uint8Array(await response.arrayBuffer())
    } catch (cause) {
      throw unreachable(this.url(name), cause)
    }
  }

  /** The answer for a file that is there. */
  private async found(name: string, init: FetchInit): Promise<Response> {
    const response = await this.ask(name, init)
    if (!response.ok || isMissing(response)) throw refused(response, this.url(name))
    return response
  }

  private async ask(name: string, init: FetchInit): Promise<Response> {
    const url = this.url(name)
    try {
      const { get } = this // called as a method of anything, a browser's fetch refuses
      return await get(url, init)
    } catch (cause) {
      if (cause instanceof HubError) throw cause
      throw unreachable(url, cause)
    }
  }

  private url(name: string): string {
    const url = new URL(this.base)
    url.pathname += checkFileName(name).split('/').map(encodeURIComponent).join('/')
    return url.href
  }
}

/** The body of a ranged answer, of which no more is read than was asked for. */
async function exactly(response: Response, length: number, where: string): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = allocate(length, where)
  let filled = 0
  const reader = response.body?.getReader()
  try {
    for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) {
      if (filled + part.value.length > length) {
        await reader?.cancel()
        filled += part.value.length
        break
      }
      bytes.set(part.value, filled)
      filled += part.value.length
    }
  } catch (cause) {
    throw unreachable(where, cause)
  }
  if (filled === length) return bytes
  throw new FileError('The server answered with another range than asked for', {
    expected: `${length} bytes`,
    found: filled > length ? 'more' : `${filled} bytes`,
    where,
    hint: 'The connection may have been interrupted: try again.',
  })
}

/** Whether the server has no such file. Servers of single-page applications answer with their page, and 200, instead of 404. */
function isMissing(response: Response): boolean {
  return response.status === 404 || response.status === 410 || (response.ok && isPage(response))
}

function isPage(response: Response): boolean {
  return response.headers.get('content-type')?.startsWith('text/html') ?? false
}

function refused(response: Response, where: string): FileError {
  const missing = isMissing(response)
  const status = `HTTP ${response.status} ${response.statusText}`.trimEnd()
  return new FileError(missing ? 'File not found' : 'The server refuses the file', {
    found: missing && response.ok ? `${status} and a page of HTML` : status,
    where,
    hint: missing ? 'Check the URL of the folder.' : undefined,
  })
}

function unreachable(where: string, cause: unknown): FileError {
  return new FileError('The file can’t be fetched', {
    found: cause instanceof Error ? cause.message : String(cause),
    where,
    hint: 'Check the connection, and that the server allows this page to read it.',
    cause,
  })
}
