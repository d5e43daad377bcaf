/**
 * A worker thread that prepares images: a {@link ImageJob} in, a {@link ImageAnswer} out.
 *
 * @module
 */
import { parentPort, workerData, type MessagePort } from 'node:worker_threads'
import { MemoryFolder } from '../../hub/memory-folder.js'
import { AutoImageProcessor } from './auto-image-processor.js'
import { toErrorRecord } from '../decode/error-record.js'
import type { ImageAnswer, ImageJob, ImageWorkerData } from './image-job.js'
import { preparerHere } from './image-preparer.js'

function serve(port: MessagePort, { files, backend }: ImageWorkerData): void {
  const loading = AutoImageProcessor.fromPretrained(new MemoryFolder(files), { backend }).then(preparerHere)
  port.on('message', ({ id, image, augmented }: ImageJob) => {
    const send = (answer: ImageAnswer, transferred: readonly ArrayBuffer[] = []): void => {
      port.postMessage(answer, transferred)
    }
    const preparing = loading.then((preparer) => preparer.prepare(image, augmented))
    preparing.then(
      (arrays) => {
        send(
          { id, arrays },
          Object.values(arrays).flatMap(({ data }) => (isOwn(data.buffer) ? [data.buffer] : [])),
        )
      },
      (error: unknown) => {
        send({ id, error: toErrorRecord(error) })
      },
    )
  })
}

const isOwn = (buffer: ArrayBufferLike): buffer is ArrayBuffer => buffer instanceof ArrayBuffer

if (parentPort) serve(parentPort, workerData as ImageWorkerData)
