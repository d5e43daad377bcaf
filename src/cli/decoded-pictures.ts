import { addAbortSignal } from 'node:stream'
import { decodeImage } from '../image/decode-image.js'
import type { ReadOptions } from '../image/image-input.js'
import type { RawImage } from '../image/raw-image.js'
import { STDIN } from './find-pictures.js'
import type { Session } from './session.js'

/** Pictures that are decoded ahead, while the model computes. */
const AHEAD = 4

/** A picture and what it is called in the answer. */
export interface DecodedPicture {
  readonly name: string
  readonly image: RawImage
}

/** Decodes pictures in their order. One that can't be is reported, and the rest goes on. */
export async function* decodedPictures(names: readonly string[], session: Session): AsyncGenerator<DecodedPicture> {
  const underway: Promise<DecodedPicture | undefined>[] = []
  for (const name of names) {
    underway.push(decoded(name, session))
    if (underway.length <= AHEAD) continue
    const picture = await underway.shift()
    if (picture) yield picture
  }
  for (const last of underway) {
    const picture = await last
    if (picture) yield picture
  }
}

async function decoded(name: string, session: Session): Promise<DecodedPicture | undefined> {
  try {
    const input = name === STDIN ? addAbortSignal(session.signal, process.stdin) : name
    const fetchUntilStopped: ReadOptions['fetch'] = (url, { signal }) =>
      fetch(url, { signal: AbortSignal.any([signal, session.signal]) })
    return { name, image: await decodeImage(input, { fetch: fetchUntilStopped }) }
  } catch (error) {
    if (!session.signal.aborted) session.fail(error)
    return undefined
  }
}
