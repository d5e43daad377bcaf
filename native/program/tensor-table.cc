#include "program/tensor-table.h"

#include <algorithm>
#include <string>
#include <utility>

#include "program/errors.h"
#include "program/memory.h"

namespace siglip {
namespace {

Tensor AllocateTensor(size_t bytes) {
  Tensor tensor;
  tensor.data = TakeTensorMemory(bytes);
  tensor.bytes = bytes;
  tensor.owner = std::shared_ptr<void>(tensor.data, [bytes](void *data) { GiveTensorMemoryBack(data, bytes); });
  return tensor;
}

Tensor AllocateResult(DType dtype, const std::vector<int64_t> &, size_t bytes, bool) {
  Tensor tensor = AllocateTensor(bytes);
  tensor.dtype = dtype;
  return tensor;
}

}  // namespace

void *TensorTable::Allocate(size_t bytes) {
  const Tensor tensor = AllocateTensor(bytes);
  Add(tensor);
  return tensor.data;
}

void TensorTable::Add(const Tensor &tensor) {
  tensors_.emplace(tensor.data, tensor);
  bytes_ += tensor.bytes;
}

void TensorTable::Free(const void *address) {
  bytes_ -= Find(address).bytes;
  tensors_.erase(address);
}

const Tensor &TensorTable::Find(const void *address) const {
  const auto found = tensors_.find(address);
  if (found == tensors_.end()) Fail("there is no tensor at " + std::to_string(reinterpret_cast<uintptr_t>(address)));
  return found->second;
}

std::unique_ptr<Execution> TensorTable::Prepare(std::shared_ptr<Program> program, const std::vector<void *> &arguments,
                                                const std::vector<void *> &captures, const std::vector<size_t> &replaced) const {
  if (program == nullptr) Fail("the program was disposed of");
  auto execution = std::make_unique<Execution>();
  execution->program = std::move(program);
  execution->allocate = AllocateResult;
  execution->owned.assign(captures.size(), false);
  for (const size_t index : replaced) {
    if (index >= captures.size()) Fail("there is no capture " + std::to_string(index));
    const auto is_same = [&](const void *address) { return address == captures[index]; };
    const bool given_once =
        std::none_of(arguments.begin(), arguments.end(), is_same) && std::count_if(captures.begin(), captures.end(), is_same) == 1;
    execution->owned[index] = given_once && Find(captures[index]).owner.use_count() == 1;
  }
  for (const void *address : arguments) execution->arguments.push_back(Find(address));
  for (const void *address : captures) execution->captures.push_back(Find(address));
  for (const Buffer &buffer : execution->program->buffers()) {
    const auto type = [&](std::vector<Tensor> &tensors, size_t index) {
      if (index < tensors.size()) tensors[index].dtype = buffer.dtype;
    };
    if (buffer.kind == BufferKind::kArgument) type(execution->arguments, buffer.index);
    if (buffer.kind == BufferKind::kCapture) type(execution->captures, buffer.index);
    if (buffer.over >= 0) type(execution->captures, static_cast<size_t>(buffer.over));
  }
  CheckTensors(*execution);
  return execution;
}

std::vector<void *> TensorTable::Keep(const Execution &execution) {
  std::vector<void *> addresses;
  for (const Tensor &result : execution.results) {
    addresses.push_back(result.data);
    if (result.data != nullptr) Add(result);
  }
  for (const Buffer &buffer : execution.program->buffers()) {
    if (buffer.kind != BufferKind::kResult || addresses[buffer.index] != nullptr) continue;
    addresses[buffer.index] = execution.captures[static_cast<size_t>(buffer.over)].data;
  }
  return addresses;
}

}  // namespace siglip
