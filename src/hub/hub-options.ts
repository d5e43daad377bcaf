/** The part of `fetch` that is used here. */
export type Fetch = (url: string, init: FetchInit) => Promise<Response>

/** The part of a request that is used here. */
export interface FetchInit {
  readonly method?: string
  readonly headers?: Record<string, string>
  readonly body?: string
  readonly redirect?: 'follow' | 'manual'
  readonly signal?: AbortSignal
}

/** How far the download of a file is. */
export interface DownloadProgress {
  /** The file's name in the model's repository. */
  readonly file: string
  /** Bytes on the disk: they do not begin at 0 where an earlier download is resumed. */
  readonly loadedBytes: number
  readonly totalBytes: number
}

/** How models are fetched from the hub. */
export interface HubOptions {
  /** A branch, a tag or a commit. Default: `'main'`. */
  readonly revision?: string | undefined
  /** The folder downloads are kept in. Default: that of Python's huggingface_hub (`HF_HUB_CACHE`, `HF_HOME`, `XDG_CACHE_HOME`). */
  readonly cacheDir?: string | undefined
  /**
   * An access token, for private and gated models; it is sent only to the endpoint. `true`: the configured one; `false`: none.
   * Default: `HF_TOKEN`, or the file that `hf auth login` writes, unless `HF_HUB_DISABLE_IMPLICIT_TOKEN` is set. In a browser: none.
   */
  readonly token?: string | boolean | undefined
  /** Whether to use only what is in the cache, without requests. Default: whether `HF_HUB_OFFLINE` is set. */
  readonly localFilesOnly?: boolean | undefined
  /** The hub's address. Default: `HF_ENDPOINT`, or the public hub. */
  readonly endpoint?: string | undefined
  /** Called for each piece of a file that arrives. */
  readonly onProgress?: ((progress: DownloadProgress) => void) | undefined
  /** Stops a download; what has arrived is kept, and the next download resumes there. */
  readonly signal?: AbortSignal | undefined
  /** Instead of the global `fetch`, e.g. for a proxy. */
  readonly fetch?: Fetch | undefined
  /** Milliseconds before a failed request is made again, doubled each time. Default: 1000. */
  readonly retryDelay?: number | undefined
}
