// The steps of a program: each reads itself, checks what its kernel takes for granted, and runs it.
#pragma once

#include <memory>
#include <vector>

#include "kernels/kernels.h"
#include "program/program.h"
#include <tensorflow/c/c_api.h>

namespace siglip {

class PackedWeights;

// What a step runs on.
struct Machine {
  const Kernels &kernels;
  Threads &threads;
  PackedWeights &packed;
  const std::vector<std::shared_ptr<TF_Tensor>> &captures;
  // What a step no longer needs but may not free: tensors in JavaScript's memory end on JavaScript's thread.
  std::vector<std::shared_ptr<const void>> &retired;
};

class Step {
 public:
  virtual ~Step() = default;
  virtual void Run(Machine &machine) = 0;

  // Those whose addresses are set before `Run`; filled once the step stands where it stays.
  std::vector<Operand *> operands;
};

// Reads the kind and then the step. Throws std::runtime_error.
std::unique_ptr<Step> ReadStep(Program &program, ProgramReader &reader);

// An operation that TensorFlow runs (tensorflow-step.cc).
std::unique_ptr<Step> ReadTensorFlowStep(Program &program, ProgramReader &reader);

}  // namespace siglip
