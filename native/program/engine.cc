#include "program/engine.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <mutex>

#include "kernels/processor.h"
#include "program/denormals.h"
#include "program/errors.h"
#include "program/memory.h"
#include "program/packed-weights.h"
#include "program/steps.h"

namespace siglip {
namespace {

constexpr size_t kOwnMemory = size_t{1} << 20;  // results from here on lie in recycled pages

TF_DataType TensorType(DType dtype) {
  return dtype == DType::kFloat32 ? TF_FLOAT : dtype == DType::kInt32 ? TF_INT32 : TF_BOOL;
}

const char *TypeName(TF_DataType type) {
  return type == TF_FLOAT ? "float32" : type == TF_INT32 ? "int32" : type == TF_BOOL ? "bool" : "another type";
}

class Engine {
 public:
  // Stays until the process ends: nothing may be torn down while another thread still computes.
  static Engine &Get() {
    static Engine *const engine = new Engine;
    return *engine;
  }

  void Run(Execution &execution);
  void Trim();

  EngineInfo Info() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return {kernels_, usable_, threads_->count()};
  }
  EngineMemory Memory() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return {arena_.bytes(), packed_.bytes()};
  }
  void SetThreads(int count, bool again) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (threads_set_ && !again) return;
    if (count != threads_->count()) threads_ = std::make_unique<Threads>(count);
    threads_set_ = true;
  }
  void SetKernels(const std::string &name);

 private:
  Engine() : usable_(UsableKernels()), kernels_(usable_.front()), threads_(std::make_unique<Threads>(1)) {}

  void FreeUnneeded();

  std::mutex mutex_;
  std::vector<const Kernels *> usable_;
  const Kernels *kernels_;
  std::unique_ptr<Threads> threads_;
  bool threads_set_ = false;
  Block arena_;
  PackedWeights packed_;
  std::vector<std::weak_ptr<Program>> programs_;  // that have run
  size_t most_results_ = 0;                       // of one of them, in bytes
  std::atomic<bool> trim_wanted_{false};
};

void Engine::SetKernels(const std::string &name) {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::string names;
  for (const Kernels *kernels : usable_) {
    if (name == kernels->name) {
      kernels_ = kernels;
      return;
    }
    names += (names.empty() ? "" : ", ") + std::string(kernels->name);
  }
  Fail("no kernels called \"" + name + "\" run here, only " + names);
}

// What is to be written over lies in TensorFlow's memory: of that alone TensorFlow tells whether anybody else has it.
std::shared_ptr<TF_Tensor> NewTensor(const Buffer &buffer, bool in_place) {
  const TF_DataType type = TensorType(buffer.dtype);
  if (in_place || buffer.bytes < kOwnMemory) return AllocateTensor(type, buffer.shape, buffer.bytes);
  void *const memory = TakeTensorMemory(buffer.bytes);
  const auto give_back = [](void *data, size_t bytes, void *) { GiveTensorMemoryBack(data, bytes); };
  const int rank = static_cast<int>(buffer.shape.size());
  TF_Tensor *const tensor = TF_NewTensor(type, buffer.shape.data(), rank, memory, buffer.bytes, give_back, nullptr);
  if (tensor == nullptr) throw OutOfMemory(buffer.bytes);
  return {tensor, TF_DeleteTensor};
}

void Engine::Run(Execution &execution) {
  Program &program = *execution.program;
  const std::lock_guard<std::mutex> lock(mutex_);
  FreeUnneeded();
  char *const arena = static_cast<char *>(arena_.Ensure(program.arena_bytes()));
  const auto same = [&](const std::weak_ptr<Program> &known) { return known.lock() == execution.program; };
  if (std::none_of(programs_.begin(), programs_.end(), same)) {
    programs_.push_back(execution.program);
    most_results_ = std::max(most_results_, program.result_bytes());
    ExpectTensorMemory(most_results_);
  }

  execution.results.assign(program.result_count(), nullptr);
  std::vector<char *> places;
  for (const Buffer &buffer : program.buffers()) {
    std::shared_ptr<TF_Tensor> tensor;
    char *place = nullptr;
    switch (buffer.kind) {
      case Buffer::kArena: place = arena + buffer.offset; break;
      case Buffer::kConstant: place = program.constants() + buffer.offset; break;
      case Buffer::kArgument: tensor = execution.arguments[buffer.index]; break;
      case Buffer::kCapture: tensor = execution.captures[buffer.index]; break;
      case Buffer::kResult:
        if (buffer.over >= 0 && execution.owned[buffer.over]) tensor = execution.captures[buffer.over];
        else tensor = execution.results[buffer.index] = NewTensor(buffer, execution.in_place && buffer.kept);
        break;
    }
    if (tensor != nullptr) place = static_cast<char *>(TF_TensorData(tensor.get()));
    places.push_back(place);
  }

  const FlushDenormals flush;
  Machine machine{*kernels_, *threads_, packed_, execution.captures, execution.retired};
  bool half_written = false;
  const auto writes_capture = [&](const Operand *operand) {
    const Buffer &buffer = program.buffers()[operand->buffer];
    return buffer.kind == Buffer::kResult && buffer.over >= 0 && execution.owned[static_cast<size_t>(buffer.over)];
  };
  const auto run = [&](Step &step) {
    try {
      step.Run(machine);
    } catch (const std::bad_alloc &error) {
      const auto *const known = dynamic_cast<const OutOfMemory *>(&error);
      throw OutOfMemory(known != nullptr ? known->bytes() : 0, half_written);
    }
  };
  for (const std::unique_ptr<Step> &step : program.steps()) {
    for (Operand *operand : step->operands) operand->view.data = places[operand->buffer] + operand->byte_offset;
    const auto start = std::chrono::steady_clock::now();
    half_written = half_written || std::any_of(step->operands.begin(), step->operands.end(), writes_capture);
    run(*step);
    if (execution.milliseconds != nullptr) {
      const std::chrono::duration<double, std::milli> taken = std::chrono::steady_clock::now() - start;
      execution.milliseconds->push_back(taken.count());
    }
  }
}

void Engine::Trim() {
  trim_wanted_ = true;
  const std::unique_lock<std::mutex> lock(mutex_, std::try_to_lock);
  if (lock.owns_lock()) FreeUnneeded();
}

void Engine::FreeUnneeded() {
  if (!trim_wanted_.exchange(false)) return;
  size_t needed = 0;
  most_results_ = 0;
  for (auto known = programs_.begin(); known != programs_.end();) {
    if (const std::shared_ptr<Program> program = known->lock()) {
      needed = std::max(needed, program->arena_bytes());
      most_results_ = std::max(most_results_, program->result_bytes());
      ++known;
    } else {
      known = programs_.erase(known);
    }
  }
  if (needed < arena_.bytes()) arena_.Free();
  ExpectTensorMemory(most_results_);
}

void CheckTensor(const std::shared_ptr<TF_Tensor> &tensor, const Buffer &buffer) {
  const std::string where = (buffer.kind == Buffer::kArgument ? "argument " : "capture ") + std::to_string(buffer.index);
  const TF_DataType type = TF_TensorType(tensor.get());
  if (buffer.typed && type != TensorType(buffer.dtype)) {
    Fail(where + " is " + TypeName(type) + ", not " + TypeName(TensorType(buffer.dtype)));
  }
  if (TF_TensorByteSize(tensor.get()) < buffer.bytes) {
    Fail(where + " has " + std::to_string(TF_TensorByteSize(tensor.get())) + " bytes, not " + std::to_string(buffer.bytes));
  }
}

void CheckReplaced(const std::shared_ptr<TF_Tensor> &tensor, const Buffer &buffer) {
  if (TF_TensorType(tensor.get()) == TensorType(buffer.dtype) && TF_TensorByteSize(tensor.get()) == buffer.bytes) return;
  Fail("result " + std::to_string(buffer.index) + " is of another size or type than the capture that it replaces");
}

}  // namespace

std::shared_ptr<TF_Tensor> AllocateTensor(TF_DataType type, const std::vector<int64_t> &shape, size_t bytes) {
  TF_Tensor *const tensor = TF_AllocateTensor(type, shape.data(), static_cast<int>(shape.size()), bytes);
  std::shared_ptr<TF_Tensor> owned(tensor, [](TF_Tensor *tensor) {
    if (tensor != nullptr) TF_DeleteTensor(tensor);
  });
  if (tensor == nullptr || (bytes > 0 && TF_TensorData(tensor) == nullptr)) throw OutOfMemory(bytes);
  AdviseLargePages(TF_TensorData(tensor), bytes);
  return owned;
}

void CheckTensors(const Execution &execution) {
  const Program &program = *execution.program;
  if (execution.arguments.size() < program.argument_count() || execution.captures.size() < program.capture_count()) {
    Fail("the program takes " + std::to_string(program.argument_count()) + " arguments and " +
         std::to_string(program.capture_count()) + " captures, not " + std::to_string(execution.arguments.size()) + " and " +
         std::to_string(execution.captures.size()));
  }
  for (const Buffer &buffer : program.buffers()) {
    if (buffer.kind == Buffer::kArgument) CheckTensor(execution.arguments[buffer.index], buffer);
    if (buffer.kind == Buffer::kCapture) CheckTensor(execution.captures[buffer.index], buffer);
    if (buffer.over >= 0) CheckReplaced(execution.captures[buffer.over], buffer);
  }
}

void Run(Execution &execution) { Engine::Get().Run(execution); }
void Trim() { Engine::Get().Trim(); }
EngineInfo Info() { return Engine::Get().Info(); }
EngineMemory Memory() { return Engine::Get().Memory(); }
void SetThreads(int count) { Engine::Get().SetThreads(count, true); }
void StartThreads(int count) { Engine::Get().SetThreads(count, false); }
void SetKernels(const std::string &name) { Engine::Get().SetKernels(name); }

}  // namespace siglip
