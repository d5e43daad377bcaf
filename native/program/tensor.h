// A tensor of the engine's host, as the core sees it: memory, its size and its type.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>

#include "kernels/kernels.h"

namespace siglip {

struct Tensor {
  std::shared_ptr<void> owner;  // the host's own object, which the memory lives as long as; null: there is no tensor
  void *data = nullptr;
  size_t bytes = 0;
  std::optional<DType> dtype;  // none: a type that no program takes
};

}  // namespace siglip
