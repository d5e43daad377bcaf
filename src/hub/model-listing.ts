import { HubError } from '../errors.js'
import { isBlobHash } from './blob-hash.js'
import { hubRequest, type HubConnection } from './hub-request.js'
import { isCommit } from './model-cache.js'

/** A file of a model on the hub. */
export interface HubFile {
  /** The hash of its content: SHA-256 if it is large, else the SHA-1 that Git gives it. */
  readonly etag: string
  readonly size: number
}

/** The commit that a branch or tag of a model stands at. @throws HubError */
export async function commitOf(
  connection: HubConnection,
  model: string,
  revision: string,
  attempts?: number,
): Promise<string> {
  const { modelInfo } = await import('@huggingface/hub')
  const { endpoint } = connection
  const { sha } = await answer(connection, () =>
    modelInfo({
      name: model,
      revision,
      hubUrl: endpoint,
      additionalFields: ['sha'],
      fetch: viaHub(connection, attempts),
    }),
  )
  if (typeof sha === 'string' && isCommit(sha)) return sha
  throw strange(connection, `a commit of ${model}`, JSON.stringify(sha))
}

/** The files of a model at a commit, by name. @throws HubError */
export async function listModel(
  connection: HubConnection,
  model: string,
  commit: string,
): Promise<ReadonlyMap<string, HubFile>> {
  const { listFiles } = await import('@huggingface/hub')
  const { endpoint } = connection
  const repo = { type: 'model', name: model } as const
  return answer(connection, async () => {
    const files = new Map<string, HubFile>()
    const entries = listFiles({ repo, revision: commit, recursive: true, hubUrl: endpoint, fetch: viaHub(connection) })
    for await (const { type, path, oid, lfs, size } of entries) {
      if (type !== 'file') continue
      const file = { etag: lfs?.oid ?? oid ?? '', size: lfs?.size ?? size }
      if (!isBlobHash(file.etag) || !Number.isSafeInteger(file.size) || file.size < 0)
        throw strange(connection, `hash and size of ${path}`, JSON.stringify(file))
      files.set(path, file)
    }
    return files
  })
}

/** A `fetch` for the library that makes its requests, so that they are retried and refused as ours are. */
function viaHub(connection: HubConnection, attempts?: number): typeof fetch {
  return (input, init) => {
    const url = input instanceof Request ? input.url : String(input)
    return hubRequest(connection, url, { headers: Object.fromEntries(new Headers(init?.headers)) }, attempts)
  }
}

/** For a response that is not a hub's, the library throws various errors. */
async function answer<T>(connection: HubConnection, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    connection.signal?.throwIfAborted()
    if (error instanceof HubError) throw error
    throw strange(connection, 'JSON of the hub’s API', error instanceof Error ? error.message : String(error), error)
  }
}

function strange({ endpoint }: HubConnection, expected: string, found: string, cause?: unknown): HubError {
  return new HubError('The answer is not that of a hub', {
    expected,
    found: found.slice(0, 200),
    where: endpoint,
    hint: 'Check the endpoint (HF_ENDPOINT), and that no proxy answers in its place.',
    cause,
  })
}
