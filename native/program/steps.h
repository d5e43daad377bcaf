// The steps of a program. Each reads itself, checks what its kernel takes for granted, and runs it.
#pragma once

#include <memory>
#include <vector>

#include "kernels/kernels.h"
#include "program/program.h"
#include "program/tensor.h"

namespace siglip {

class PackedWeights;

// What a step runs on.
struct Machine {
  const Kernels &kernels;
  Threads &threads;
  PackedWeights &packed;
  const std::vector<Tensor> &captures;
  // What a step no longer needs but may not free: a host's tensors end on the host's thread.
  std::vector<std::shared_ptr<const void>> &retired;
};

class Step {
 public:
  virtual ~Step() = default;
  virtual void Run(Machine &machine) = 0;

  // Their addresses are set before `Run`. Filled once the step has its final address.
  std::vector<Operand *> operands;
};

// Reads the kind and then the step. Throws std::runtime_error.
std::unique_ptr<Step> ReadStep(Program &program, ProgramReader &reader);

}  // namespace siglip
