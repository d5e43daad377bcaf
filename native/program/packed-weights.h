// Weights in the layouts that the kernels like best. A layout is shared by all programs that use it, and belongs to the memory
// of a tensor: as long as it is kept, so is the tensor, and no other one can have its address.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <tuple>

#include "kernels/kernels.h"
#include "program/memory.h"
#include <tensorflow/c/c_api.h>

namespace siglip {

class PackedWeights {
 public:
  struct Layout {
    Block memory;
    std::shared_ptr<TF_Tensor> tensor;
  };

  // The layout of `weights`, whose memory is the tensor's; made if nobody has it. Null if the kernels need none.
  std::shared_ptr<const Layout> Get(const Kernels &kernels, const View &weights, DType precision,
                                    const std::shared_ptr<TF_Tensor> &tensor, Threads &threads);
  size_t bytes() const;

 private:
  using Key = std::tuple<const Kernels *, const void *, DType, int64_t, int64_t, int64_t, int64_t, DType>;

  mutable std::mutex mutex_;
  std::map<Key, std::weak_ptr<const Layout>> layouts_;
};

}  // namespace siglip
