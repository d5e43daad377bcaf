// Weights packed as B panels. A layout is shared by all programs that use it. It keeps the owner of the memory that it was packed
// from, so no other tensor can have the address meanwhile.
#pragma once

#include <map>
#include <memory>
#include <tuple>

#include "kernels/kernels.h"
#include "program/memory.h"
#include "program/mutex.h"

namespace siglip {

class PackedWeights {
 public:
  struct Layout {
    Block memory;
    std::shared_ptr<const void> owner;
  };

  // The layout of `weights`, whose memory is the owner's; made if there is none. Null if the kernels need none.
  std::shared_ptr<const Layout> Get(const Kernels &kernels, const View &weights, DType precision,
                                    const std::shared_ptr<const void> &owner, Threads &threads);
  size_t bytes() const;

 private:
  using Key = std::tuple<const Kernels *, const void *, DType, int64_t, int64_t, int64_t, int64_t, DType>;

  mutable Mutex mutex_;
  std::map<Key, std::weak_ptr<const Layout>> layouts_;
};

}  // namespace siglip
