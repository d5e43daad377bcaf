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
#include "program/mutex.h"
#include "program/packed-weights.h"
#include "program/steps.h"

namespace siglip {
namespace {

const char *TypeName(std::optional<DType> dtype) {
  return dtype == DType::kFloat32 ? "float32" : dtype == DType::kInt32 ? "int32" : dtype == DType::kBool ? "bool" : "another type";
}

class Engine {
 public:
  // Never destroyed: at the end of the process another thread may still compute.
  static Engine &Get() {
    static Engine *const engine = new Engine;
    return *engine;
  }

  void Run(Execution &execution);
  void Trim();

  EngineInfo Info() {
    const std::lock_guard<Mutex> lock(mutex_);
    return {kernels_, usable_, threads_->count()};
  }
  EngineMemory Memory() {
    const std::lock_guard<Mutex> lock(mutex_);
    return {arena_.bytes(), packed_.bytes()};
  }
  void SetThreads(int count, bool again) {
    const std::lock_guard<Mutex> lock(mutex_);
    if (threads_set_ && !again) return;
    if (count != threads_->count()) threads_ = std::make_unique<Threads>(count);
    threads_set_ = true;
  }
  void SetKernels(const std::string &name);

 private:
  Engine() : usable_(UsableKernels()), kernels_(usable_.front()), threads_(std::make_unique<Threads>(1)) {}

  void FreeUnneeded();

  Mutex mutex_;
  std::vector<const Kernels *> usable_;
  const Kernels *kernels_;
  std::unique_ptr<Threads> threads_;
  bool threads_set_ = false;
  Block arena_;
  PackedWeights packed_;
  std::vector<std::weak_ptr<Program>> programs_;  // that have run
  size_t max_results_ = 0;                        // of one of them, in bytes
  std::atomic<bool> trim_wanted_{false};
};

void Engine::SetKernels(const std::string &name) {
  const std::lock_guard<Mutex> lock(mutex_);
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

// Where each buffer of a program lies at a run; makes the tensors of its results.
std::vector<char *> PlacesOf(Execution &execution, char *arena) {
  const Program &program = *execution.program;
  execution.results.assign(program.result_count(), {});
  std::vector<char *> places;
  for (const Buffer &buffer : program.buffers()) {
    void *place = nullptr;
    switch (buffer.kind) {
      case BufferKind::kArena: place = arena + buffer.offset; break;
      case BufferKind::kConstant: place = program.constants() + buffer.offset; break;
      case BufferKind::kArgument: place = execution.arguments[buffer.index].data; break;
      case BufferKind::kCapture: place = execution.captures[buffer.index].data; break;
      case BufferKind::kResult:
        if (buffer.over >= 0 && execution.owned[buffer.over]) {
          place = execution.captures[buffer.over].data;
        } else {
          Tensor &result = execution.results[buffer.index];
          result = execution.allocate(buffer.dtype, buffer.shape, buffer.bytes, execution.in_place && buffer.kept);
          place = result.data;
        }
        break;
    }
    places.push_back(static_cast<char *>(place));
  }
  return places;
}

void Engine::Run(Execution &execution) {
  Program &program = *execution.program;
  const std::lock_guard<Mutex> lock(mutex_);
  FreeUnneeded();
  char *const arena = static_cast<char *>(arena_.Ensure(program.arena_bytes()));
  const auto same = [&](const std::weak_ptr<Program> &known) { return known.lock() == execution.program; };
  if (std::none_of(programs_.begin(), programs_.end(), same)) {
    programs_.push_back(execution.program);
    max_results_ = std::max(max_results_, program.result_bytes());
    ExpectTensorMemory(max_results_);
  }

  const std::vector<char *> places = PlacesOf(execution, arena);
  const FlushDenormals flush;
  Machine machine{*kernels_, *threads_, packed_, execution.captures, execution.retired};
  bool half_written = false;
  const auto writes_capture = [&](const Operand *operand) {
    const Buffer &buffer = program.buffers()[operand->buffer];
    return buffer.kind == BufferKind::kResult && buffer.over >= 0 && execution.owned[static_cast<size_t>(buffer.over)];
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
    half_written = half_written || std::any_of(step->operands.begin(), step->operands.end(), writes_capture);
    if (execution.milliseconds == nullptr) {
      run(*step);
    } else {
      const auto start = std::chrono::steady_clock::now();
      run(*step);
      const std::chrono::duration<double, std::milli> taken = std::chrono::steady_clock::now() - start;
      execution.milliseconds->push_back(taken.count());
    }
  }
}

void Engine::Trim() {
  trim_wanted_ = true;
  const std::unique_lock<Mutex> lock(mutex_, std::try_to_lock);
  if (lock.owns_lock()) FreeUnneeded();
}

void Engine::FreeUnneeded() {
  if (!trim_wanted_.exchange(false)) return;
  size_t needed = 0;
  max_results_ = 0;
  for (auto known = programs_.begin(); known != programs_.end();) {
    if (const std::shared_ptr<Program> program = known->lock()) {
      needed = std::max(needed, program->arena_bytes());
      max_results_ = std::max(max_results_, program->result_bytes());
      ++known;
    } else {
      known = programs_.erase(known);
    }
  }
  if (needed < arena_.bytes()) arena_.Free();
  ExpectTensorMemory(max_results_);
}

void CheckTensor(const Tensor &tensor, const Buffer &buffer) {
  const std::string where = (buffer.kind == BufferKind::kArgument ? "argument " : "capture ") + std::to_string(buffer.index);
  if (buffer.typed && tensor.dtype != buffer.dtype) {
    Fail(where + " is " + TypeName(tensor.dtype) + ", not " + TypeName(buffer.dtype));
  }
  if (tensor.bytes < buffer.bytes) {
    Fail(where + " has " + std::to_string(tensor.bytes) + " bytes, not " + std::to_string(buffer.bytes));
  }
}

void CheckReplaced(const Tensor &tensor, const Buffer &buffer) {
  if (tensor.dtype == buffer.dtype && tensor.bytes == buffer.bytes) return;
  Fail("result " + std::to_string(buffer.index) + " is of another size or type than the capture that it replaces");
}

}  // namespace

void CheckTensors(const Execution &execution) {
  const Program &program = *execution.program;
  if (execution.arguments.size() < program.argument_count() || execution.captures.size() < program.capture_count()) {
    Fail("the program takes " + std::to_string(program.argument_count()) + " arguments and " +
         std::to_string(program.capture_count()) + " captures, not " + std::to_string(execution.arguments.size()) + " and " +
         std::to_string(execution.captures.size()));
  }
  for (const Buffer &buffer : program.buffers()) {
    if (buffer.kind == BufferKind::kArgument) CheckTensor(execution.arguments[buffer.index], buffer);
    if (buffer.kind == BufferKind::kCapture) CheckTensor(execution.captures[buffer.index], buffer);
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
