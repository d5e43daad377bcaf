#include "program/memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <list>
#include <mutex>
#include <new>
#include <utility>

#include "program/errors.h"

namespace siglip {
namespace {

constexpr size_t kPage = 4096;
constexpr size_t kLargePage = size_t{2} << 20;

size_t RoundUp(size_t bytes, size_t unit) { return (bytes + unit - 1) / unit * unit; }
size_t Unit(size_t bytes) { return bytes >= kLargePage ? kLargePage : kPage; }

struct Recycler {
  std::mutex mutex;
  std::list<std::pair<size_t, void *>> cached;  // the least recently used first
  size_t cached_bytes = 0;
  size_t used_bytes = 0;
  size_t expected_bytes = 0;

  void FreeTooMany() {
    while (cached_bytes > std::max(used_bytes, expected_bytes)) {
      FreePages(cached.front().second, cached.front().first);
      cached_bytes -= cached.front().first;
      cached.pop_front();
    }
  }
};

// Never destroyed: tensors may be freed while the process ends.
Recycler &TheRecycler() {
  static Recycler *const recycler = new Recycler;
  return *recycler;
}

// Returns what is cached for later tensors to the system; whether there was any.
bool FreeCached() {
  Recycler &recycler = TheRecycler();
  const std::lock_guard<std::mutex> lock(recycler.mutex);
  if (recycler.cached.empty()) return false;
  for (const auto &block : recycler.cached) FreePages(block.second, block.first);
  recycler.cached.clear();
  recycler.cached_bytes = 0;
  return true;
}

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

void *Block::Ensure(size_t bytes) {
  if (bytes <= bytes_) return data_;
  Free();
  data_ = AllocatePages(bytes);
  if (data_ == nullptr && FreeCached()) data_ = AllocatePages(bytes);
  if (data_ == nullptr) throw OutOfMemory(bytes);
  bytes_ = bytes;
  return data_;
}

void Block::Free() {
  FreePages(data_, bytes_);
  data_ = nullptr;
  bytes_ = 0;
}

void *TakeTensorMemory(size_t bytes) {
  Recycler &recycler = TheRecycler();
  {
    const std::lock_guard<std::mutex> lock(recycler.mutex);
    recycler.used_bytes += bytes;
    const auto fits = [bytes](const auto &block) { return block.first == bytes; };
    const auto found = std::find_if(recycler.cached.begin(), recycler.cached.end(), fits);
    if (found != recycler.cached.end()) {
      void *const data = found->second;
      recycler.cached.erase(found);
      recycler.cached_bytes -= bytes;
      return data;
    }
  }
  void *data = AllocatePages(bytes);
  if (data == nullptr && FreeCached()) data = AllocatePages(bytes);
  if (data == nullptr) {
    const std::lock_guard<std::mutex> lock(recycler.mutex);
    recycler.used_bytes -= bytes;
    throw OutOfMemory(bytes);
  }
  return data;
}

void GiveTensorMemoryBack(void *data, size_t bytes) {
  Recycler &recycler = TheRecycler();
  const std::lock_guard<std::mutex> lock(recycler.mutex);
  recycler.used_bytes -= bytes;
  try {
    recycler.cached.emplace_back(bytes, data);
  } catch (const std::bad_alloc &) {
    FreePages(data, bytes);  // who calls this takes no exceptions
    return;
  }
  recycler.cached_bytes += bytes;
  recycler.FreeTooMany();
}

void ExpectTensorMemory(size_t bytes) {
  Recycler &recycler = TheRecycler();
  const std::lock_guard<std::mutex> lock(recycler.mutex);
  recycler.expected_bytes = bytes;
  recycler.FreeTooMany();
}

}  // namespace siglip
