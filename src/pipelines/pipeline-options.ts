import type { LoadOptions } from '../models/loading/load-pretrained.js'
import type { ComputeOptions } from './batch-function.js'

/** How a pipeline's model is loaded, and how it computes. The images stay of the size that the image processor makes. */
export interface PipelineOptions extends Omit<LoadOptions, 'imageSize'>, ComputeOptions {}
