import type { ErrorRecord } from '../decode/error-record.js'
import type { Augmented, ImageArrays } from './image-preparer.js'
import type { RawPixels } from '../decode/raw-pixels.js'
import type { ResizeBackend } from '../resize/resize.js'

/** What an image worker starts with. */
export interface ImageWorkerData {
  /** Of the image processor, as `savePretrained` writes them. */
  readonly files: ReadonlyMap<string, Uint8Array>
  /** Its arithmetic, which is in no file. */
  readonly backend: ResizeBackend
}

/** An image in a form that goes from thread to thread. */
export type SendableImage = string | Uint8Array | RawPixels

/** What an image worker is sent. */
export interface ImageJob {
  readonly id: number
  readonly image: SendableImage
  readonly augmented: Augmented | undefined
}

/** What it answers. */
export type ImageAnswer = { readonly id: number } & ({ readonly arrays: ImageArrays } | { readonly error: ErrorRecord })
