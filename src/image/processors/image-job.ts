import type { ErrorRecord } from '../decode/error-record.js'
import type { Augmented, ImageArrays } from './image-preparer.js'
import type { RawPixels } from '../decode/raw-pixels.js'
import type { ResizeBackend } from '../resize/resize.js'

/** What a picture worker starts with. */
export interface PictureWorkerData {
  /** Of the image processor, as `savePretrained` writes them. */
  readonly files: ReadonlyMap<string, Uint8Array>
  /** Its arithmetic, which is in no file. */
  readonly backend: ResizeBackend
}

/** A picture in a form that goes from thread to thread. */
export type SendablePicture = string | Uint8Array | RawPixels

/** What a picture worker is sent. */
export interface PictureJob {
  readonly id: number
  readonly image: SendablePicture
  readonly augmented: Augmented | undefined
}

/** What it answers. */
export type PictureAnswer = { readonly id: number } & (
  { readonly arrays: ImageArrays } | { readonly error: ErrorRecord }
)
