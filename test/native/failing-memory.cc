// The engine's memory from a system that has none now and then: the mapping that SIGLIP_TEST_NO_MEMORY counts down to, "run:number",
// fails, and so do all that follow until it says otherwise.
#include <sys/mman.h>

#include <cstdlib>
#include <mutex>
#include <string>

namespace {

void *MapUnlessCounted(void *at, size_t bytes, int protection, int flags, int file, off_t offset) {
  static std::mutex mutex;
  static std::string known;
  static long left = 0;
  const char *const wanted = std::getenv("SIGLIP_TEST_NO_MEMORY");
  if (wanted != nullptr && *wanted != '\0') {
    const std::lock_guard<std::mutex> lock(mutex);
    if (known != wanted) {
      known = wanted;
      left = std::atol(known.c_str() + known.find(':') + 1);
    }
    if (left <= 0) return MAP_FAILED;
    --left;
  }
  return ::mmap(at, bytes, protection, flags, file, offset);
}

}  // namespace

#define mmap MapUnlessCounted
#include "../../native/memory.cc"
