/**
 * A worker thread that prepares pictures: a {@link PictureJob} in, a {@link PictureAnswer} out.
 *
 * @module
 */
import { parentPort, workerData, type MessagePort } from 'node:worker_threads'
import { MemoryFolder } from '../../hub/memory-folder.js'
import { AutoImageProcessor } from './auto-image-processor.js'
import { toErrorRecord } from '../decode/error-record.js'
import type { PictureAnswer, PictureJob, PictureWorkerData } from './image-job.js'
import { preparerHere } from './image-preparer.js'

function serve(port: MessagePort, { files, backend }: PictureWorkerData): void {
  const loading = AutoImageProcessor.fromPretrained(new MemoryFolder(files), { backend }).then(preparerHere)
  port.on('message', ({ id, image, augmented }: PictureJob) => {
    const send = (answer: PictureAnswer, transferred: readonly ArrayBuffer[] = []): void => {
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

if (parentPort) serve(parentPort, workerData as PictureWorkerData)
