import { preparerHere, type ImageProcessor, type ImagePreparer } from './image-preparer.js'

/** In a page the browser decodes, in threads of its own. */
export const imagePreparer = (processor: ImageProcessor): ImagePreparer => preparerHere(processor)
