import type { RawPixels } from './raw-pixels.js'

/**
 * An image, in whichever form it is at hand:
 * - a path (in Node), or an `http:`, `https:`, `data:` or `file:` URL, also a relative one in a browser;
 * - the bytes of an image file in base64, as a text without a prefix that is not the path of a file;
 * - the bytes of an image file: `Buffer`, `Uint8Array`, `ArrayBuffer`, `Blob` or `File`, a Node stream, a web `ReadableStream`;
 * - pixels: `RawImage`, a canvas's `ImageData`, or raw memory with one to four bytes a pixel.
 *
 * Node reads JPEG, PNG, WebP, GIF, TIFF and AVIF; browsers what they display. Of several frames or pages the first is used.
 */
export type ImageInput =
  string | URL | Uint8Array | ArrayBuffer | Blob | ReadableStream<Uint8Array> | AsyncIterable<Uint8Array> | RawPixels

/** How images are read. */
export interface ReadOptions {
  /** The most pixels an image may have, asked before any is decoded; 178,956,970 by default, as in Pillow. */
  readonly maxPixels?: number
  /** The most bytes a file may have; 268,435,456 by default. */
  readonly maxBytes?: number
  /** How long a URL may take, in milliseconds; 30,000 by default. */
  readonly timeout?: number
  /** Instead of the global `fetch`, e.g. to add headers. */
  readonly fetch?: (url: string, init: { readonly signal: AbortSignal }) => Promise<Response>
}
