// Memory straight from the system: whole pages, large ones where the system has them.
#pragma once

#include <cstddef>

namespace siglip {

// Whether fresh memory costs more than computing in it: the system clears it page by page when it is first touched.
#if defined(__wasm__)
constexpr bool kFreshPagesAreDear = false;
#else
constexpr bool kFreshPagesAreDear = true;
#endif

// At least `bytes`, aligned to 4096 (WebAssembly: to 64); null if the system has none. Blocks of some size are aligned to 2 MB and
// advised to lie in large pages.
void *AllocatePages(size_t bytes);
void FreePages(void *data, size_t bytes);
// Advises the system to use large pages for memory that something else has allocated.
void AdviseLargePages(void *data, size_t bytes);

}  // namespace siglip
