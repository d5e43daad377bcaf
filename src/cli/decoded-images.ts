import { addAbortSignal } from 'node:stream'
import { decodeImage } from '../image/decode/decode-image.js'
import type { ReadOptions } from '../image/decode/image-input.js'
import type { RawImage } from '../image/raw-image.js'
import type { Transparency } from '../image/decode/raw-pixels.js'
import type { Siglip2Processor } from '../processor/siglip2-processor.js'
import type { SiglipProcessor } from '../processor/siglip-processor.js'
import { STDIN } from './find-images.js'
import type { Session } from './session.js'

/** Images that are decoded ahead, while the model computes. */
const AHEAD = 4

/**
 * Decodes images in their order, as the model's processor would read them. One that can't be decoded is reported, and the rest continues.
 *
 * @param decodedNames gets the names of those that could.
 */
export async function* decodedImages(
  names: readonly string[],
  decodedNames: string[],
  { imageProcessor }: Pick<SiglipProcessor | Siglip2Processor, 'imageProcessor'>,
  session: Session,
): AsyncGenerator<RawImage> {
  const transparency = imageProcessor.config.doConvertRgb ? 'white' : 'ignore'
  const underway: { readonly name: string; readonly image: Promise<RawImage | undefined> }[] = []
  for (const [i, name] of names.entries()) {
    underway.push({ name, image: decoded(name, transparency, session) })
    while (underway.length > (i === names.length - 1 ? 0 : AHEAD)) {
      const next = underway.shift()
      const image = await next?.image
      if (!next || !image) continue
      decodedNames.push(next.name)
      yield image
    }
  }
}

async function decoded(name: string, transparency: Transparency, session: Session): Promise<RawImage | undefined> {
  const fetchUntilStopped: ReadOptions['fetch'] = (url, { signal }) =>
    fetch(url, { signal: AbortSignal.any([signal, session.signal]) })
  try {
    const input = name === STDIN ? addAbortSignal(session.signal, process.stdin) : name
    return await decodeImage(input, { fetch: fetchUntilStopped, transparency })
  } catch (error) {
    if (!session.signal.aborted) session.fail(error)
    return undefined
  }
}
