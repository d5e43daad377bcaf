// The tensors of a host that has none of its own: memory of the engine, known by its address.
#pragma once

#include <cstddef>
#include <memory>
#include <unordered_map>
#include <vector>

#include "program/engine.h"
#include "program/tensor.h"

namespace siglip {

// From one thread.
class TensorTable {
 public:
  // Throws OutOfMemory.
  void *Allocate(size_t bytes);
  // The memory is returned once no run and no packed weights need it.
  void Free(const void *address);

  size_t count() const { return tensors_.size(); }
  size_t bytes() const { return bytes_; }

  // A run of a program on the tensors at these addresses; `replaced`: indices of captures whose memory may be written by the
  // results that replace them. One that a run or packed weights still read is not written: its result gets memory of its own.
  // Throws unless each is there and large enough. An address has no type: the program's is taken.
  std::unique_ptr<Execution> Prepare(std::shared_ptr<Program> program, const std::vector<void *> &arguments,
                                     const std::vector<void *> &captures, const std::vector<size_t> &replaced) const;
  // Adds the results of a run; returns their addresses. One in the memory of a capture has that one's.
  std::vector<void *> Keep(const Execution &execution);

 private:
  const Tensor &Find(const void *address) const;
  void Add(const Tensor &tensor);

  std::unordered_map<const void *, Tensor> tensors_;
  size_t bytes_ = 0;
};

}  // namespace siglip
