import { preparerHere, type ImageProcessor, type ImagePreparer } from './image-preparer.js'

/** The browser decodes, in its own threads. */
export const imagePreparer = (processor: ImageProcessor): ImagePreparer => preparerHere(processor)
