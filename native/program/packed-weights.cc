#include "program/packed-weights.h"

#include <iterator>

namespace siglip {

std::shared_ptr<const PackedWeights::Layout> PackedWeights::Get(const Kernels &kernels, const View &weights, DType precision,
                                                                const std::shared_ptr<const void> &owner, Threads &threads) {
  const int64_t k = weights.shape[0];
  const int64_t n = weights.shape[1];
  const size_t bytes = kernels.packed_bytes(k, n, precision);
  if (bytes == 0) return nullptr;
  const Key key(&kernels, weights.data, weights.dtype, k, n, weights.strides[0], weights.strides[1], precision);
  const std::lock_guard<Mutex> lock(mutex_);
  for (auto entry = layouts_.begin(); entry != layouts_.end();) {
    entry = entry->second.expired() ? layouts_.erase(entry) : std::next(entry);
  }
  std::weak_ptr<const Layout> &known = layouts_[key];
  std::shared_ptr<const Layout> found = known.lock();
  if (found == nullptr) {
    const std::shared_ptr<Layout> made = std::make_shared<Layout>();
    kernels.pack(weights, precision, made->memory.Ensure(bytes), threads);
    made->owner = owner;
    known = found = made;
  }
  return found;
}

size_t PackedWeights::bytes() const {
  const std::lock_guard<Mutex> lock(mutex_);
  size_t bytes = 0;
  for (const auto &entry : layouts_) {
    if (const auto layout = entry.second.lock()) bytes += layout->memory.bytes();
  }
  return bytes;
}

}  // namespace siglip
