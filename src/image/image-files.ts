/**
 * Which files and folders hold images of the user, by their names.
 *
 * @module
 */

import { isOtherImage } from './left-out-images.js'

const DECODED = /\.(jpe?g|jpe|jfif|png|webp|gif|tiff?|avif)$/i

/** Whether a file is an image of a format that can be decoded, by its ending. */
export const isImageName = (name: string): boolean => DECODED.test(name)

/** Whether a file is an image, decoded or not, by its ending. */
export const isAnyImageName = (name: string): boolean => DECODED.test(name) || isOtherImage(name)

/** What systems, archivers and image databases leave beside images, apart from hidden names. */
const TOOL_MADE = new Set([
  '__macosx', // what macOS packs into zip files
  '__pycache__',
  '@eadir', // Synology
  '@tmp',
  '@recycle', // QNAP
  '#recycle',
  '#snapshot',
  '$recycle.bin', // Windows
  'system volume information',
  'lost+found',
  'network trash folder', // macOS, on shares
  'temporary items',
])

/**
 * Whether a file or folder is none of the user's data: hidden (`._a.jpg`, `.thumbnails`, `.ipynb_checkpoints`), or made by a system or a
 * tool (`__MACOSX`, `@eaDir`).
 *
 * @param name without its folder
 */
export const isToolMade = (name: string): boolean => name.startsWith('.') || TOOL_MADE.has(name.toLowerCase())
