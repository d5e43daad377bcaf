// How the engine reaches the tensors of tfjs-node's addon, which keeps them to itself by number. The addon's exports carry a
// pointer to this as `tensorHandles`; it serves the thread of JavaScript whose exports these are, and only while it runs.
#pragma once

#include <node_api.h>

#include <cstdint>

#include <tensorflow/c/eager/c_api.h>

namespace siglip {

struct TensorHandles {
  void *backend;
  TFE_TensorHandle *(*find)(void *backend, int32_t id);  // null if there is none
  int32_t (*insert)(void *backend, TFE_TensorHandle *handle);
  TFE_TensorHandle *(*take)(void *backend, int32_t id);  // the number has no tensor until one is put back
  void (*put)(void *backend, int32_t id, TFE_TensorHandle *handle);
};

// By which the pointer is recognised.
constexpr napi_type_tag kTensorHandlesTag = {0x7369676c69702d74, 0x68616e646c657332};

}  // namespace siglip
