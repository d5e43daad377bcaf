// Memory of the engine, in whole pages.
#pragma once

#include <cstddef>
#include <utility>

#include "program/pages.h"

namespace siglip {

// A block that grows when more is asked for, without keeping what was in it.
class Block {
 public:
  Block() = default;
  Block(Block &&other) : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
  Block(const Block &) = delete;
  Block &operator=(const Block &) = delete;
  ~Block() { Free(); }

  // Throws std::bad_alloc if there is no such memory; the block is empty then.
  void *Ensure(size_t bytes);
  void Free();
  void *data() const { return data_; }
  size_t bytes() const { return bytes_; }

 private:
  void *data_ = nullptr;
  size_t bytes_ = 0;
};

// Memory for tensors, aligned to 64 at least. What is freed is cached for the next tensor of that size, since fresh pages cost more
// than computing in them. At most as many bytes are cached as are in use or expected, whichever is more. From any thread.
void *TakeTensorMemory(size_t bytes);
void GiveTensorMemoryBack(void *data, size_t bytes);
// How many bytes of tensors may be needed soon though they are not in use now.
void ExpectTensorMemory(size_t bytes);

}  // namespace siglip
