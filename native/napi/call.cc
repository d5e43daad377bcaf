#include "napi/call.h"

#include <tensorflow/c/eager/c_api.h>

#include <string>

#include "napi/instance.h"
#include "napi/values.h"
#include "tensorflow/status.h"
#include "tensorflow/tensors.h"

namespace siglip {
namespace {

constexpr size_t kWorthCollecting = size_t{64} << 20;

TF_Tensor *Resolve(TFE_TensorHandle *handle) {
  const Status status;
  TF_Tensor *const tensor = TFE_TensorHandleResolve(handle, status.status);
  status.Check();
  return tensor;
}

std::vector<Tensor> ToTensors(const TensorHandles &handles, const std::vector<int32_t> &ids, const char *what) {
  std::vector<Tensor> tensors;
  for (const int32_t id : ids) {
    TFE_TensorHandle *const handle = handles.find(handles.backend, id);
    if (handle == nullptr) Fail(std::string(what) + ": there is no tensor " + std::to_string(id));
    tensors.push_back(TensorOf(Resolve(handle)));
  }
  return tensors;
}

// What was copied may lie in JavaScript's memory, as weights do that were read, and be garbage now. JavaScript doesn't see that it
// is much: told of still more, it collects at once.
void CollectGarbage(napi_env env) {
  constexpr int64_t kVeryMuch = int64_t{1} << 40;
  int64_t now;
  napi_adjust_external_memory(env, kVeryMuch, &now);
  napi_adjust_external_memory(env, -kVeryMuch, &now);
}

napi_value Describe(napi_env env, TF_Tensor *tensor) {
  const TensorHandles &handles = Handles(env);
  const Status status;
  TFE_TensorHandle *const handle = TFE_NewTensorHandle(tensor, status.status);
  status.Check();
  const napi_value described = NewObject(env);
  Set(env, described, "id", Number(env, handles.insert(handles.backend, handle)));
  Set(env, described, "dtype", Number(env, TF_TensorType(tensor)));
  Set(env, described, "shape", ShapeList(env, ShapeOf(tensor)));
  return described;
}

}  // namespace

Call::~Call() {
  for (const auto &[id, index] : taken_) {
    const Status status;
    TFE_TensorHandle *const handle = TFE_NewTensorHandle(TensorFlowTensor(execution.captures[index]), status.status);
    if (handle != nullptr) handles_.put(handles_.backend, id, handle);
  }
}

void Call::Own(int32_t id, size_t index) {
  TFE_TensorHandle *const handle = handles_.find(handles_.backend, id);
  if (handle == nullptr) Fail("capture " + std::to_string(index) + " is there twice");
  TF_Tensor *const tensor = Resolve(handle);
  TFE_DeleteTensorHandle(handles_.take(handles_.backend, id));
  Tensor &capture = execution.captures[index];
  capture = {};
  TF_Tensor *const moved = TF_TensorMaybeMove(tensor);
  capture = TensorOf(moved != nullptr ? moved : tensor);
  taken_.emplace_back(id, index);
  if (moved == nullptr) {
    copied_bytes += capture.bytes;
    capture = CopyOf(tensor);
  }
  execution.owned[index] = true;
}

std::unique_ptr<Call> ToCall(napi_env env, napi_callback_info info, bool at_once) {
  const Arguments<4> arguments(env, info);
  const TensorHandles &handles = Handles(env);
  auto call = std::make_unique<Call>(handles);
  Execution &execution = call->execution;
  execution.program = ToProgram(env, arguments[0]);
  if (execution.program == nullptr) Fail("the program was disposed of");
  execution.allocate = AllocateResult;
  execution.arguments = ToTensors(handles, ToInt32s(env, arguments[1], "the arguments"), "the arguments");
  const std::vector<int32_t> captures = ToInt32s(env, arguments[2], "the captures");
  execution.captures = ToTensors(handles, captures, "the captures");
  execution.owned.assign(captures.size(), false);
  CheckTensors(execution);
  const std::vector<int32_t> replaced = ToInt32s(env, arguments[3], "what is replaced");
  execution.in_place = at_once || !replaced.empty();
  for (const int32_t index : replaced) {
    if (index < 0 || static_cast<size_t>(index) >= captures.size()) Fail("there is no capture " + std::to_string(index));
    call->Own(captures[static_cast<size_t>(index)], static_cast<size_t>(index));
  }
  if (call->copied_bytes >= kWorthCollecting) CollectGarbage(env);
  return call;
}

napi_value Results(napi_env env, const Execution &execution) {
  return List(env, execution.results, [env](const Tensor &result) {
    return result.owner == nullptr ? Null(env) : Describe(env, TensorFlowTensor(result));
  });
}

}  // namespace siglip
