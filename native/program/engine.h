// Runs programs: one after the other in the whole process, since each takes all of its threads.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "kernels/kernels.h"
#include "program/program.h"
#include <tensorflow/c/c_api.h>

namespace siglip {

// A program with what it is given and what it gives. The tensors are held as long as this is; it is made and destroyed on
// JavaScript's thread, where alone their memory may be given back.
struct Execution {
  std::shared_ptr<Program> program;
  std::vector<std::shared_ptr<TF_Tensor>> arguments, captures;
  std::vector<bool> owned;  // of each capture: whether nobody else has its memory, which may be written
  bool in_place = false;    // whether results that variables keep shall be written over in later runs
  std::vector<std::shared_ptr<TF_Tensor>> results;  // null: written in the memory of the capture that it replaces
  std::vector<std::shared_ptr<const void>> retired;  // what may be freed with this only
  std::vector<double> *milliseconds = nullptr;  // of each step, if anybody wants to know
};

// In TensorFlow's memory, in large pages if it is large.
std::shared_ptr<TF_Tensor> AllocateTensor(TF_DataType type, const std::vector<int64_t> &shape, size_t bytes);

// Throws unless every tensor is of the type that the program expects and large enough.
void CheckTensors(const Execution &execution);

// Waits for its turn, then runs it. From any thread. Throws std::exception.
void Run(Execution &execution);

// Frees what of the memory no living program needs; to be called once a program is gone. If one runs, it is done at its end.
void Trim();

struct EngineInfo {
  const Kernels *kernels;
  std::vector<const Kernels *> usable;
  int threads;
};
EngineInfo Info();

struct EngineMemory {
  size_t arena;   // what programs work in
  size_t packed;  // weights in the kernels' layouts
};
EngineMemory Memory();

// How many threads run a program, the caller among them. Waits for a run to end.
void SetThreads(int count);
// The same, unless it has been set.
void StartThreads(int count);

// Chooses the kernels by name; throws if the processor does not run them. Waits for a run to end.
void SetKernels(const std::string &name);

}  // namespace siglip
