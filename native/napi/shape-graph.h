// `new ShapeGraph()` in JavaScript (tensorflow/shape-graph.h):
//   input(dtype, shape) → number
//   constant(dtype, shape, typedArray) → number
//   operation(op, [{ name, type, value }], [number], outputs) → [{ id, shape, dtype }]   an unknown size is −1
//   dispose()
// Types and kinds of attributes are TensorFlow's numbers, the ids the graph's own. Each throws with TensorFlow's message.
#pragma once

#include <node_api.h>

namespace siglip {

// The class.
napi_value ShapeGraphClass(napi_env env);

}  // namespace siglip
