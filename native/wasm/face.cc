// The engine's face to WebAssembly (src/backend/engine/wasm-engine.ts calls it): functions of addresses and numbers. A list is its
// address and its length. What goes wrong is handed to the host by `report` before the function returns 0.
#include <cstddef>
#include <cstdint>
#include <exception>
#include <iterator>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "program/engine.h"
#include "program/errors.h"
#include "program/memory.h"
#include "program/ops.h"
#include "program/tensor-table.h"

#define SIGLIP_EXPORT(name) extern "C" __attribute__((export_name(#name)))

// The host knows them by number.
enum ErrorKind : int32_t { kProgramError, kRangeError, kValueError, kMemoryError };

// `position` and `value` of a value that is not allowed; of memory, the bytes that are missing and whether captures are half new.
extern "C" __attribute__((import_module("host"), import_name("report"))) void HostReport(ErrorKind kind, const char *message,
                                                                                         size_t message_length,
                                                                                         const char *expected,
                                                                                         size_t expected_length, double position,
                                                                                         double value);

namespace siglip {
namespace {

using ProgramReference = std::shared_ptr<Program>;

TensorTable &TheTensors() {
  static TensorTable *const tensors = new TensorTable;
  return *tensors;
}

void Report(ErrorKind kind, const std::string &message, const std::string &expected = {}, double position = 0, double value = 0) {
  HostReport(kind, message.data(), message.size(), expected.data(), expected.size(), position, value);
}

// Runs `work`; if it throws, reports that and returns 0.
template <typename Work>
auto Guarded(const Work &work) -> decltype(work()) {
  try {
    return work();
  } catch (const OutOfMemory &error) {
    Report(kMemoryError, error.what(), {}, static_cast<double>(error.bytes()), error.half_written() ? 1 : 0);
  } catch (const std::bad_alloc &) {
    Report(kMemoryError, "there is not enough memory");
  } catch (const BadValue &error) {
    Report(kValueError, error.what(), error.expected(), static_cast<double>(error.position()), error.value());
  } catch (const std::out_of_range &error) {
    Report(kRangeError, error.what());
  } catch (const std::exception &error) {
    Report(kProgramError, error.what());
  }
  return {};
}

// A text of the host's.
struct Text {
  const char *data;
  size_t length;
};

// A constant of the host's; its type is an index of kDTypes.
struct Constant {
  int32_t dtype;
  const void *data;
  size_t bytes;
};

// What a run is given, and where it writes the addresses of its results.
struct Call {
  ProgramReference *program;
  void *const *arguments;
  size_t argument_count;
  void *const *captures;
  size_t capture_count;
  const uint32_t *replaced;
  size_t replaced_count;
};

std::unique_ptr<Execution> Prepare(const Call &call) {
  return TheTensors().Prepare(*call.program, {call.arguments, call.arguments + call.argument_count},
                              {call.captures, call.captures + call.capture_count},
                              {call.replaced, call.replaced + call.replaced_count});
}

// Of the last text that was asked for; the host reads it before its next call.
std::string text_result;

const char *Return(std::string text) {
  text_result = std::move(text);
  return text_result.c_str();
}

template <typename Names>
std::string JsonList(const Names &names) {
  std::string text;
  for (const char *name : names) text += (text.empty() ? "\"" : ",\"") + std::string(name) + "\"";
  return "[" + text + "]";
}

}  // namespace

SIGLIP_EXPORT(allocate) void *AllocateTensor(size_t bytes) {
  return Guarded([&] { return TheTensors().Allocate(bytes); });
}

SIGLIP_EXPORT(free) bool FreeTensor(const void *address) {
  return Guarded([&] {
    TheTensors().Free(address);
    return true;
  });
}

// Memory for what the host hands over, until it asks again; 0 bytes: none.
SIGLIP_EXPORT(scratch) void *Scratch(size_t bytes) {
  static Block block;
  return Guarded([&] {
    if (bytes == 0) block.Free();
    return block.Ensure(bytes == 0 ? 1 : bytes);
  });
}

SIGLIP_EXPORT(create)
ProgramReference *CreateProgram(const double *words, size_t word_count, const Constant *constants, size_t constant_count,
                                const Text *texts, size_t text_count) {
  return Guarded([&] {
    ProgramSource source;
    source.words = words;
    source.word_count = word_count;
    for (const Constant *constant = constants; constant != constants + constant_count; ++constant) {
      source.constants.push_back({static_cast<DType>(constant->dtype), constant->data, constant->bytes});
    }
    for (const Text *text = texts; text != texts + text_count; ++text) source.texts.emplace_back(text->data, text->length);
    return new ProgramReference(std::make_shared<Program>(source));
  });
}

SIGLIP_EXPORT(dispose) void DisposeProgram(ProgramReference *program) {
  delete program;
  Trim();
}

SIGLIP_EXPORT(resultCount) size_t ResultCount(const ProgramReference *program) { return (*program)->result_count(); }
SIGLIP_EXPORT(stepCount) size_t StepCount(const ProgramReference *program) { return (*program)->steps().size(); }

// Writes the addresses of the results.
SIGLIP_EXPORT(run) bool RunProgram(const Call *call, void **results) {
  return Guarded([&] {
    const std::unique_ptr<Execution> execution = Prepare(*call);
    Run(*execution);
    for (void *const result : TheTensors().Keep(*execution)) *results++ = result;
    return true;
  });
}

// Writes the milliseconds of each step.
SIGLIP_EXPORT(profile) bool ProfileProgram(const Call *call, double *milliseconds) {
  return Guarded([&] {
    const std::unique_ptr<Execution> execution = Prepare(*call);
    std::vector<double> times;
    execution->milliseconds = &times;
    Run(*execution);
    for (const double time : times) *milliseconds++ = time;
    return true;
  });
}

// Bytes, and how many tensors there are.
SIGLIP_EXPORT(arenaBytes) size_t ArenaBytes() { return Memory().arena; }
SIGLIP_EXPORT(packedBytes) size_t PackedBytes() { return Memory().packed; }
SIGLIP_EXPORT(tensorBytes) size_t TensorBytes() { return TheTensors().bytes(); }
SIGLIP_EXPORT(tensorCount) size_t TensorCount() { return TheTensors().count(); }

// JSON: what the engine computes with.
SIGLIP_EXPORT(info) const char *InfoText() {
  return Guarded([] {
    const EngineInfo info = Info();
    std::vector<const char *> usable;
    for (const Kernels *kernels : info.usable) usable.push_back(kernels->name);
    return Return("{\"kernels\":\"" + std::string(info.kernels->name) + "\",\"usable\":" + JsonList(usable) + ",\"bfloat16\":" +
                  (info.kernels->bfloat16 ? "true" : "false") + ",\"threads\":" + std::to_string(info.threads) + "}");
  });
}

// JSON: the lists and limits of program/ops.def.
SIGLIP_EXPORT(tables) const char *TablesText() {
  return Guarded([] {
    std::string limits;
#define SIGLIP_LIMIT(name, text, value) limits += (limits.empty() ? "\"" text "\":" : ",\"" text "\":") + std::to_string(value);
#include "program/ops.def"
    return Return("{\"limits\":{" + limits + "},\"dtypes\":" + JsonList(kDTypes) + ",\"buffers\":" + JsonList(kBufferKinds) +
                  ",\"steps\":" + JsonList(kStepKinds) + ",\"activations\":" + JsonList(kActivations) +
                  ",\"operations\":" + JsonList(kElementwiseOps) + ",\"attributes\":" + JsonList(kAttributeKinds) + "}");
  });
}

SIGLIP_EXPORT(setThreads) bool SetThreadCount(int32_t count) {
  return Guarded([&] {
    SetThreads(count);
    return true;
  });
}

SIGLIP_EXPORT(setKernels) bool ChooseKernels(const char *name, size_t length) {
  return Guarded([&] {
    SetKernels(std::string(name, length));
    return true;
  });
}

}  // namespace siglip
