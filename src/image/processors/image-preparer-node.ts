import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { fromErrorRecord } from '../decode/error-record.js'
import type { ImageInput } from '../decode/image-input.js'
import type { ImageAnswer, ImageJob, ImageWorkerData, SendableImage } from './image-job.js'
import {
  preparerHere,
  type Augmented,
  type ImageArrays,
  type ImageProcessor,
  type ImagePreparer,
} from './image-preparer.js'
import { isBytes } from '../raw-image.js'
import { isRawPixels } from '../decode/raw-pixels.js'
import { readBytes } from '../decode/read-bytes.js'
import { Siglip2ImageProcessor } from './siglip2-image-processor.js'
import { SiglipImageProcessor } from './siglip-image-processor.js'

/** So many images are prepared in this thread before others are started: they take longer to start than these take. */
const FEW = 8

/** More threads than these give no more images than a model takes. */
const MAX_WORKERS = 4

/**
 * Prepares images in worker threads, while the model computes: that blocks this thread's event loop. They start when there is
 * something for them to do, and keep no process alive. Where none can start, this thread does their work.
 *
 * @param entry the file that the workers run
 */
export function imagePreparer(
  processor: ImageProcessor,
  entry: URL = new URL('./image-worker.js', import.meta.url),
): ImagePreparer {
  const isKnown = processor instanceof SiglipImageProcessor || processor instanceof Siglip2ImageProcessor
  if (!isKnown) return preparerHere(processor)
  return new ImageWorkers(processor, () => {
    return new ImageWorker(entry, { files: processor.toFiles(), backend: processor.config.backend })
  })
}

class ImageWorkers implements ImagePreparer {
  readonly #here: ImagePreparer
  readonly #workers = new Set<ImageWorker>()
  readonly #most = Math.min(availableParallelism(), MAX_WORKERS)
  #canStart = true
  #begun = 0

  constructor(
    processor: ImageProcessor,
    private readonly start: () => ImageWorker,
  ) {
    this.#here = preparerHere(processor)
  }

  async prepare(image: ImageInput, augmented?: Augmented): Promise<ImageArrays> {
    if (!this.#canStart || this.#begun++ < FEW) return this.#here.prepare(image, augmented)
    const sent = await sendable(image)
    if (sent === undefined) return this.#here.prepare(image, augmented)
    const worker = this.#leastBusy()
    const answer = await worker?.run(sent, augmented)
    if (worker && !answer) this.#drop(worker)
    if (!answer) return this.#here.prepare(image, augmented)
    if ('error' in answer) throw fromErrorRecord(answer.error)
    return answer.arrays
  }

  dispose(): void {
    this.#canStart = false
    for (const worker of this.#workers) worker.end()
    this.#workers.clear()
  }

  #leastBusy(): ImageWorker | undefined {
    const [least] = [...this.#workers].sort((a, b) => a.jobs - b.jobs)
    if (least?.jobs === 0 || this.#workers.size >= this.#most || !this.#canStart) return least
    try {
      const worker = this.start()
      this.#workers.add(worker)
      return worker
    } catch {
      this.#canStart = false // e.g. not permitted
      return least
    }
  }

  #drop(worker: ImageWorker): void {
    if (this.#workers.delete(worker)) this.#canStart = false
  }
}

/** A thread, and what it is asked to do. */
class ImageWorker {
  readonly #worker: Worker
  readonly #asked = new Map<number, (answer: ImageAnswer | undefined) => void>()
  #count = 0
  #hasEnded = false

  constructor(entry: URL, data: ImageWorkerData) {
    this.#worker = new Worker(entry, { workerData: data, name: 'siglip-images' })
    this.#worker.on('message', (answer: ImageAnswer) => {
      this.#answer(answer.id, answer)
    })
    this.#worker.on('error', () => undefined) // 'exit' follows
    this.#worker.on('exit', () => {
      this.#hasEnded = true
      for (const id of [...this.#asked.keys()]) this.#answer(id, undefined)
    })
    this.#worker.unref()
  }

  /** How many images it has not yet prepared. */
  get jobs(): number {
    return this.#asked.size
  }

  /** Undefined if the thread ends before it has answered. */
  run(image: SendableImage, augmented: Augmented | undefined): Promise<ImageAnswer | undefined> {
    if (this.#hasEnded) return Promise.resolve(undefined)
    return new Promise((resolve) => {
      const job: ImageJob = { id: this.#count++, image, augmented }
      this.#asked.set(job.id, resolve)
      this.#worker.ref() // a caller that waits for an image keeps the process alive
      this.#worker.postMessage(job)
    })
  }

  end(): void {
    void this.#worker.terminate()
  }

  #answer(id: number, answer: ImageAnswer | undefined): void {
    this.#asked.get(id)?.(answer)
    this.#asked.delete(id)
    if (this.#asked.size === 0) this.#worker.unref()
  }
}

/**
 * An image as a worker can take it. URLs and streams are read here, where a program may have set up how; undefined if it is better
 * prepared here altogether.
 */
async function sendable(image: ImageInput): Promise<SendableImage | undefined> {
  if (isRawPixels(image)) {
    const { data, width, height, channels } = image
    return isBytes(data) ? { data: alone(data), width, height, channels } : undefined
  }
  const isLocal = (typeof image === 'string' || image instanceof URL) && !/^(https?|data|blob):/i.test(String(image))
  if (isLocal) return String(image)
  return alone((await readBytes(image, {})).bytes)
}

/** Sending a part of a buffer would copy the whole of it. */
const alone = <T extends Uint8Array | Uint8ClampedArray>(data: T): Uint8Array | T =>
  data.byteLength === data.buffer.byteLength ? data : Uint8Array.from(data)
