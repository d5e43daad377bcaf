// What exceptions need of the C++ library, which the toolchain builds without them for WebAssembly.
#include <cstddef>
#include <cstdlib>
#include <new>

#include "program/errors.h"

// The tag of C++'s exceptions; its value is an address.
asm(".globl __cpp_exception\n"
    ".tagtype __cpp_exception i32\n"
    "__cpp_exception:\n");

// The library's own ends the program where memory runs out.
void *operator new(std::size_t bytes) {
  void *const memory = std::malloc(bytes == 0 ? 1 : bytes);
  if (memory == nullptr) throw siglip::OutOfMemory(bytes);
  return memory;
}
void *operator new[](std::size_t bytes) { return operator new(bytes); }
void operator delete(void *memory) noexcept { std::free(memory); }
void operator delete[](void *memory) noexcept { std::free(memory); }
void operator delete(void *memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void *memory, std::size_t) noexcept { std::free(memory); }
