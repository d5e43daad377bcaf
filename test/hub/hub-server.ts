import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import path from 'node:path'

/** A model of the hub under test. */
export interface ServedModel {
  readonly files: Map<string, Uint8Array>
  /** The commit of each branch and tag. */
  readonly refs: Record<string, string>
  /** Answered instead, until a request brings this token. */
  readonly private?: { readonly token: string; readonly code: 'GatedRepo' | 'RepoNotFound' }
}

type Fault = (request: IncomingMessage, response: ServerResponse) => unknown

/** A server that speaks the hub's protocol, with a second one, of another origin, that serves large files as its CDN does. */
export class HubServer {
  readonly models = new Map<string, ServedModel>()
  /** What was asked for, e.g. `GET /owner/name/resolve/…`; requests of the CDN begin with `CDN`. */
  readonly requests: string[] = []
  /** The tokens that reached the hub, and those that reached the CDN. */
  readonly tokens = { hub: new Set<string>(), cdn: new Set<string>() }
  /** Milliseconds before each 16 kB of a content. */
  delay = 0
  private faults: { pattern: RegExp; times: number; fault: Fault }[] = []
  private readonly hub = createServer((request, response) => void this.answer('hub', request, response))
  private readonly cdn = createServer((request, response) => void this.answer('cdn', request, response))

  static async start(): Promise<HubServer> {
    const server = new HubServer()
    for (const one of [server.hub, server.cdn]) await new Promise<void>((done) => one.listen(0, '127.0.0.1', done))
    return server
  }

  get url(): string {
    return urlOf(this.hub)
  }

  close(): void {
    for (const one of [this.hub, this.cdn]) {
      one.closeAllConnections()
      one.close()
    }
  }

  /** Forgets what was asked for and what was to go wrong. */
  reset(): void {
    this.requests.length = 0
    this.tokens.hub.clear()
    this.tokens.cdn.clear()
    this.faults = []
    this.delay = 0
  }

  /** Lets the next `times` requests that match (as in `requests`) go wrong. */
  fail(pattern: RegExp, fault: Fault, times = 1): void {
    this.faults.push({ pattern, times, fault })
  }

  private async answer(host: 'hub' | 'cdn', request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = request.url ?? ''
    const line = `${host === 'cdn' ? 'CDN' : (request.method ?? '')} ${url}`
    this.requests.push(line)
    const token = request.headers.authorization?.replace('Bearer ', '')
    if (token !== undefined) this.tokens[host].add(token)
    const fault = this.faults.find(({ pattern, times }) => times > 0 && pattern.test(line))
    if (fault) {
      fault.times--
      fault.fault(request, response)
      return
    }
    if (host === 'cdn') await this.serveBlob(request, response)
    else await this.serveHub(url, token, request, response)
  }

  private async serveHub(
    url: string,
    token: string | undefined,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<unknown> {
    const [, api, id = '', verb, rest = ''] =
      /^(\/api\/models)?\/(.+?)\/(revision|tree|paths-info|resolve)\/([^?]*)/.exec(url) ?? []
    const model = this.models.get(id)
    if (!model) return refuse(response, token === undefined ? 401 : 404, 'RepoNotFound', 'Repository not found')
    if (model.private && model.private.token !== token) {
      const { code } = model.private
      return refuse(
        response,
        token === undefined ? 401 : code === 'GatedRepo' ? 403 : 404,
        code,
        'Access is restricted',
      )
    }
    const [first = '', ...names] = rest.split('/').map(decodeURIComponent)
    const commit = model.refs[first] ?? (Object.values(model.refs).includes(first) ? first : undefined)
    if (commit === undefined) return refuse(response, 404, 'RevisionNotFound', 'Invalid rev id')
    if (api && verb === 'revision') {
      const siblings = [...model.files.keys()].map((rfilename) => ({ rfilename }))
      return json(response, { _id: '1', id, sha: commit, lastModified: new Date(0), private: false, siblings })
    }
    if (api && verb === 'tree') return json(response, [...model.files].map(entryOf))
    if (api && verb === 'paths-info') {
      const { paths } = JSON.parse(await bodyOf(request)) as { paths: string[] }
      return json(response, [...model.files].filter(([name]) => paths.includes(name)).map(entryOf))
    }
    const file = model.files.get(names.join('/'))
    response.setHeader('x-repo-commit', commit)
    if (!file) return refuse(response, 404, 'EntryNotFound', 'Entry not found')
    const { oid, lfs } = entryOf([names.join('/'), file])
    if (!lfs) return this.send(request, response, file, oid)
    response.setHeader('x-linked-etag', `"${lfs.oid}"`)
    response.setHeader('x-linked-size', lfs.size)
    return response.writeHead(302, { location: `${urlOf(this.cdn)}/${lfs.oid}?Signature=secret` }).end()
  }

  private serveBlob(request: IncomingMessage, response: ServerResponse): Promise<unknown> | ServerResponse {
    const hash = /^\/([0-9a-f]+)/.exec(request.url ?? '')?.[1]
    const files = [...this.models.values()].flatMap(({ files }) => [...files.values()])
    const file = files.find((bytes) => sha256(bytes) === hash)
    if (!file) return response.writeHead(404).end()
    return this.send(request, response, file, 'the-cdn-names-it-otherwise')
  }

  /** A content, or the range of it that was asked for. */
  private async send(
    request: IncomingMessage,
    response: ServerResponse,
    file: Uint8Array,
    etag: string,
  ): Promise<unknown> {
    const [, start, end] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? []
    const from = Number(start ?? 0)
    const to = end ? Number(end) + 1 : file.length
    if (from > 0 && from >= file.length) return response.writeHead(416).end()
    const body = file.subarray(from, to)
    const range = start !== undefined && { 'content-range': `bytes ${from}-${to - 1}/${file.length}` }
    const headers = { etag: `"${etag}"`, 'accept-ranges': 'bytes', 'content-length': body.length, ...range }
    response.writeHead(range ? 206 : 200, headers)
    if (request.method === 'HEAD') return response.end()
    for (let i = 0; this.delay > 0 && i < body.length && !response.destroyed; i += 16_384) {
      response.write(body.subarray(i, i + 16_384))
      await new Promise((resolve) => setTimeout(resolve, this.delay))
    }
    return response.end(this.delay > 0 ? undefined : body)
  }
}

/** The files of a folder, as a model of one commit. */
export async function modelOf(folder: string, commit: string): Promise<ServedModel> {
  const names = await readdir(folder)
  const files = names.map(async (name) => [name, await readFile(path.join(folder, name))] as const)
  return { files: new Map(await Promise.all(files)), refs: { main: commit } }
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** Git's name of a content. */
export function gitSha1(bytes: Uint8Array): string {
  return createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex')
}

/** Answers with an error as the hub does. */
export function refuse(response: ServerResponse, status: number, code: string, message: string): ServerResponse {
  return response.writeHead(status, { 'x-error-code': code, 'x-error-message': message }).end()
}

/** As the hub lists a file: Git knows a small pointer in the place of a large one. */
function entryOf([name, bytes]: readonly [string, Uint8Array]) {
  const isLarge = /\.(safetensors|bin|npz|model)$/.test(name)
  const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${sha256(bytes)}\nsize ${bytes.length}\n`
  const lfs = { oid: sha256(bytes), size: bytes.length, pointerSize: pointer.length }
  const oid = gitSha1(isLarge ? Buffer.from(pointer) : bytes)
  return { type: 'file', path: name, oid, size: bytes.length, ...(isLarge && { lfs }) }
}

function json(response: ServerResponse, value: unknown): ServerResponse {
  return response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value))
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = []
  for await (const piece of request) pieces.push(piece as Buffer)
  return Buffer.concat(pieces).toString()
}

function urlOf(server: Server): string {
  const address = server.address()
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
}
