import { preparerHere, type ImageProcessor, type PicturePreparer } from './image-preparer.js'

/** In a page the browser decodes, in threads of its own. */
export const picturePreparer = (processor: ImageProcessor): PicturePreparer => preparerHere(processor)
