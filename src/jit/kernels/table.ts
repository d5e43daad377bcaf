import { creationKernels } from './creation.js'
import { elementwiseKernels } from './elementwise.js'
import { gatherKernels } from './gather.js'
import type { GraphKernels } from './graph-kernel.js'
import { layoutKernels } from './layout.js'
import { productKernels } from './products.js'
import { reductionKernels } from './reductions.js'

/** What each of tfjs's kernels that the engine knows is as nodes of a graph. */
export const graphKernels: GraphKernels = {
  ...elementwiseKernels,
  ...reductionKernels,
  ...productKernels,
  ...layoutKernels,
  ...gatherKernels,
  ...creationKernels,
}
