// program/ops.def for JavaScript, which compares it with lists of its own.
#pragma once

#include <node_api.h>

namespace siglip {

// { limits: { name: number }, dtypes: [name], buffers, steps, activations, operations, attributes }
napi_value Tables(napi_env env);

}  // namespace siglip
