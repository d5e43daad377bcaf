#include "program/pages.h"

#include <sys/mman.h>

#include <cstdint>

namespace siglip {
namespace {

constexpr size_t kPage = 4096;
constexpr size_t kLargePage = size_t{2} << 20;

size_t RoundUp(size_t bytes, size_t unit) { return (bytes + unit - 1) / unit * unit; }
size_t Unit(size_t bytes) { return bytes >= kLargePage ? kLargePage : kPage; }

}  // namespace

void *AllocatePages(size_t bytes) {
  const size_t unit = Unit(bytes);
  if (bytes > SIZE_MAX - 2 * unit) return nullptr;
  const size_t size = RoundUp(bytes == 0 ? 1 : bytes, unit);
  // A mapping is aligned to small pages only: one unit more, and what lies beside the aligned part is returned.
  const size_t slack = unit > kPage ? unit : 0;
  void *const mapped = mmap(nullptr, size + slack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) return nullptr;
  if (slack == 0) return mapped;
  const size_t address = reinterpret_cast<size_t>(mapped);
  const size_t before = RoundUp(address, unit) - address;
  char *const data = static_cast<char *>(mapped) + before;
  if (before > 0) munmap(mapped, before);
  if (slack > before) munmap(data + size, slack - before);
  AdviseLargePages(data, size);
  return data;
}

void AdviseLargePages(void *data, size_t bytes) {
#ifdef MADV_HUGEPAGE
  const size_t address = reinterpret_cast<size_t>(data), first = RoundUp(address, kLargePage);
  const size_t end = (address + bytes) / kLargePage * kLargePage;
  if (first < end) madvise(reinterpret_cast<void *>(first), end - first, MADV_HUGEPAGE);
#endif
}

void FreePages(void *data, size_t bytes) {
  if (data != nullptr) munmap(data, RoundUp(bytes == 0 ? 1 : bytes, Unit(bytes)));
}

}  // namespace siglip
