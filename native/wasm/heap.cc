// The C library's `malloc` for WebAssembly, whose memory only grows: what is freed is joined with the free blocks beside it, so
// that a large tensor can lie where small ones were. The toolchain's own rounds to powers of two and joins nothing.
//
// Memory is a row of blocks, in units of 64 bytes. A block starts with a header of 16 bytes so that what follows is aligned to 64.
// Free blocks are in lists by the power of two below their size.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>

extern "C" unsigned char __heap_base;  // where the linker's data ends

namespace {

constexpr size_t kUnit = 64, kHeader = 16, kPage = 65536;
constexpr uint32_t kMaxUnits = 1u << 26;  // 4 GB
constexpr uint32_t kMinGrowth = (1u << 20) / kUnit;
constexpr int kBins = 27;

struct Block {
  uint32_t units;         // with the header; 0: the end of memory
  uint32_t units_before;  // of the block before; 0: this is the first
  uint32_t used;
  uint32_t unused;
  Block *next, *previous;  // in its list, while it is free

  Block *After() { return reinterpret_cast<Block *>(reinterpret_cast<char *>(this) + units * kUnit); }
  Block *Before() { return reinterpret_cast<Block *>(reinterpret_cast<char *>(this) - units_before * kUnit); }
  void *Data() { return reinterpret_cast<char *>(this) + kHeader; }
  static Block *Of(void *data) { return reinterpret_cast<Block *>(static_cast<char *>(data) - kHeader); }
};
static_assert(offsetof(Block, next) == kHeader);

Block *bins[kBins];
Block *end;  // null until something is allocated

int BinOf(uint32_t units) { return 31 - __builtin_clz(units); }

void Insert(Block *block) {
  Block *&first = bins[BinOf(block->units)];
  block->used = 0;
  block->previous = nullptr;
  block->next = first;
  if (first != nullptr) first->previous = block;
  first = block;
}

void Remove(Block *block) {
  if (block->previous != nullptr) block->previous->next = block->next;
  else bins[BinOf(block->units)] = block->next;
  if (block->next != nullptr) block->next->previous = block->previous;
}

void SetUnits(Block *block, uint32_t units) {
  block->units = units;
  block->After()->units_before = units;
}

// Adds a block to the free ones, joined with those beside it.
void Release(Block *block) {
  Block *const after = block->After();
  if (after->units != 0 && !after->used) {
    Remove(after);
    SetUnits(block, block->units + after->units);
  }
  if (block->units_before != 0 && !block->Before()->used) {
    Block *const before = block->Before();
    Remove(before);
    SetUnits(before, before->units + block->units);
    block = before;
  }
  Insert(block);
}

void SetEnd(size_t bytes, uint32_t units_before) {
  end = reinterpret_cast<Block *>(bytes - kHeader);
  end->units = 0;
  end->units_before = units_before;
  end->used = 1;
}

// Adds a free block of `units` or more at the end of memory; whether there is so much.
bool Grow(uint32_t units) {
  const size_t pages_before = __builtin_wasm_memory_size(0);
  if (end == nullptr) {  // what the linker has left of the memory
    const size_t first = (reinterpret_cast<size_t>(&__heap_base) + kHeader + kUnit - 1) / kUnit * kUnit - kHeader;
    const uint32_t left = static_cast<uint32_t>((pages_before * kPage - first) / kUnit);
    SetEnd(pages_before * kPage, left);
    if (left > 0) {
      Block *const block = reinterpret_cast<Block *>(first);
      block->units = left;
      block->units_before = 0;
      Insert(block);
      if (left >= units) return true;
    }
  }
  for (const uint32_t wanted : {units > kMinGrowth ? units : kMinGrowth, units}) {
    const size_t pages = (uint64_t{wanted} * kUnit + kPage - 1) / kPage;
    // The last page stays free: an address behind it would be 0.
    if (pages_before + pages >= 65536) continue;
    if (__builtin_wasm_memory_grow(0, pages) == SIZE_MAX) continue;
    Block *const block = end;
    const uint32_t size = static_cast<uint32_t>(pages * kPage / kUnit);
    SetEnd((pages_before + pages) * kPage, size);
    block->units = size;
    Release(block);
    return true;
  }
  return false;
}

Block *FindFree(uint32_t units) {
  for (int bin = BinOf(units); bin < kBins; ++bin) {
    for (Block *block = bins[bin]; block != nullptr; block = block->next) {
      if (block->units >= units) return block;
    }
  }
  return nullptr;
}

}  // namespace

extern "C" {

void *malloc(size_t bytes) {
  if (bytes > SIZE_MAX - kHeader - kUnit) return nullptr;
  const uint32_t units = static_cast<uint32_t>((bytes + kHeader + kUnit - 1) / kUnit);
  Block *block = FindFree(units);
  if (block == nullptr) {
    if (units >= kMaxUnits || !Grow(units)) return nullptr;
    block = FindFree(units);
  }
  Remove(block);
  if (block->units > units) {
    const uint32_t rest = block->units - units;
    SetUnits(block, units);
    Block *const after = block->After();
    SetUnits(after, rest);
    Insert(after);
  }
  block->used = 1;
  return block->Data();
}

void free(void *data) {
  if (data != nullptr) Release(Block::Of(data));
}

void *calloc(size_t count, size_t size) {
  size_t bytes;
  if (__builtin_mul_overflow(count, size, &bytes)) return nullptr;
  void *const data = malloc(bytes);
  return data == nullptr ? nullptr : std::memset(data, 0, bytes);
}

void *realloc(void *data, size_t bytes) {
  if (data == nullptr) return malloc(bytes);
  const size_t before = Block::Of(data)->units * kUnit - kHeader;
  void *const moved = malloc(bytes);
  if (moved == nullptr) return nullptr;
  std::memcpy(moved, data, before < bytes ? before : bytes);
  free(data);
  return moved;
}

void *aligned_alloc(size_t alignment, size_t bytes) { return alignment <= kUnit ? malloc(bytes) : nullptr; }

int posix_memalign(void **data, size_t alignment, size_t bytes) {
  *data = aligned_alloc(alignment, bytes);
  return *data == nullptr ? 12 : 0;  // ENOMEM
}

}  // extern "C"
