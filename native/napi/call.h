// A run that JavaScript asks for.
#pragma once

#include <node_api.h>

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "program/engine.h"
#include "tensorflow/tensor-handles.h"

namespace siglip {

// Made and destroyed on JavaScript's thread.
struct Call {
  Execution execution;
  size_t copied_bytes = 0;  // of captures whose memory something else has, too

  explicit Call(const TensorHandles &handles) : handles_(handles) {}
  Call(const Call &) = delete;
  Call &operator=(const Call &) = delete;
  ~Call();

  // A capture gets memory that nothing else has: its own, if only the handle under its number shares that, else a copy.
  void Own(int32_t id, size_t index);

  // JavaScript ends: there is nothing to give back to.
  void Forget() { taken_.clear(); }

 private:
  const TensorHandles &handles_;
  std::vector<std::pair<int32_t, size_t>> taken_;  // numbers of tensors, indices of captures
};

// Reads program, arguments, captures, replaced. `at_once`: the results are wanted before JavaScript goes on.
std::unique_ptr<Call> ToCall(napi_env env, napi_callback_info info, bool at_once);

// [{ id, dtype, shape }], as tfjs-node's addon describes the results of an operation; null for one in the memory of a capture.
napi_value Results(napi_env env, const Execution &execution);

}  // namespace siglip
