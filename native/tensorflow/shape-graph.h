// A graph of TensorFlow's, grown one operation at a time, for what it tells about each: whether it can be, and the shapes and
// types of its results. Nothing is computed.
//
// JavaScript sees `new ShapeGraph()` with
//   input(dtype, shape) → number
//   constant(dtype, shape, typedArray) → number
//   operation(op, [{ name, type, value }], [number], outputs) → [{ id, shape, dtype }]   an unknown size is −1
//   dispose()
// Types and kinds of attributes are TensorFlow's numbers, the ids the graph's own. Each throws with TensorFlow's message.
#pragma once

#include <node_api.h>

namespace siglip {

// Adds the class to an addon's exports; false if Node-API refuses, with an exception pending.
bool ExportShapeGraph(napi_env env, napi_value exports);

}  // namespace siglip
