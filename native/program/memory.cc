#include "program/memory.h"

#include <algorithm>
#include <cstdint>
#include <list>
#include <mutex>
#include <new>
#include <utility>

#include "program/errors.h"
#include "program/mutex.h"

namespace siglip {
namespace {

// Smaller tensors come from the C++ library: a page for each would be too much, and asking the system for it too slow.
constexpr size_t kWorthPages = size_t{32} << 10;
constexpr std::align_val_t kSmallAlignment{64};

struct Recycler {
  Mutex mutex;
  std::list<std::pair<size_t, void *>> cached;  // the least recently used first
  size_t cached_bytes = 0;
  size_t used_bytes = 0;
  size_t expected_bytes = 0;

  void FreeTooMany() {
    const size_t most = kFreshPagesAreDear ? std::max(used_bytes, expected_bytes) : 0;
    while (cached_bytes > most) {
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
  const std::lock_guard<Mutex> lock(recycler.mutex);
  if (recycler.cached.empty()) return false;
  for (const auto &block : recycler.cached) FreePages(block.second, block.first);
  recycler.cached.clear();
  recycler.cached_bytes = 0;
  return true;
}

}  // namespace

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
  if (bytes < kWorthPages) {
    void *const small = operator new(bytes == 0 ? 1 : bytes, kSmallAlignment, std::nothrow);
    if (small == nullptr) throw OutOfMemory(bytes);
    return small;
  }
  Recycler &recycler = TheRecycler();
  {
    const std::lock_guard<Mutex> lock(recycler.mutex);
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
    const std::lock_guard<Mutex> lock(recycler.mutex);
    recycler.used_bytes -= bytes;
    throw OutOfMemory(bytes);
  }
  return data;
}

void GiveTensorMemoryBack(void *data, size_t bytes) {
  if (bytes < kWorthPages) return operator delete(data, kSmallAlignment);
  Recycler &recycler = TheRecycler();
  const std::lock_guard<Mutex> lock(recycler.mutex);
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
  const std::lock_guard<Mutex> lock(recycler.mutex);
  recycler.expected_bytes = bytes;
  recycler.FreeTooMany();
}

}  // namespace siglip
