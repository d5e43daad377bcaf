// Runs programs, one after the other in the whole process: each takes all of its threads.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "kernels/kernels.h"
#include "program/program.h"
#include "program/tensor.h"

namespace siglip {

// A program with what it is given and what it gives. It holds the tensors; the host makes and destroys it on its own thread, where
// alone their memory may be freed.
struct Execution {
  std::shared_ptr<Program> program;
  std::vector<Tensor> arguments, captures;
  std::vector<bool> owned;  // of each capture: whether nothing else has its memory, which may be written
  bool in_place = false;    // whether later runs shall update in place the results that variables keep
  // Makes a tensor for a result; `in_place`: one that a later run may update in place.
  Tensor (*allocate)(DType dtype, const std::vector<int64_t> &shape, size_t bytes, bool in_place) = nullptr;
  std::vector<Tensor> results;                       // none: written in the memory of the capture that it replaces
  std::vector<std::shared_ptr<const void>> retired;  // what may be freed with this only
  std::vector<double> *milliseconds = nullptr;       // of each step, if wanted
};

// Throws unless every tensor is of the type that the program expects and large enough.
void CheckTensors(const Execution &execution);

// Waits for its turn, then runs it. From any thread. Throws std::exception.
void Run(Execution &execution);

// Frees memory that no living program needs; call it once a program is gone. If one runs, it happens at its end.
void Trim();

struct EngineInfo {
  const Kernels *kernels;
  std::vector<const Kernels *> usable;
  int threads;
};
EngineInfo Info();

struct EngineMemory {
  size_t arena;   // what programs work in
  size_t packed;  // weights as B panels
};
EngineMemory Memory();

// How many threads run a program, the caller among them. Waits for a run to end.
void SetThreads(int count);
// The same, unless it has been set.
void StartThreads(int count);

// Chooses the kernels by name; throws if the processor does not run them. Waits for a run to end.
void SetKernels(const std::string &name);

}  // namespace siglip
