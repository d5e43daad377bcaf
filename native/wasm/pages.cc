// Pages of WebAssembly: its one memory grows and never shrinks, so what is freed stays in the C library's heap for all sizes.
#include "program/pages.h"

#include <cstdint>
#include <cstdlib>

namespace siglip {

void *AllocatePages(size_t bytes) {
  constexpr size_t kAlignment = 64;
  if (bytes > SIZE_MAX - kAlignment) return nullptr;
  return std::aligned_alloc(kAlignment, (bytes + kAlignment) / kAlignment * kAlignment);
}

void FreePages(void *data, size_t) { std::free(data); }

void AdviseLargePages(void *, size_t) {}

}  // namespace siglip
