// The engine's memory from a system that has none when a test says so: in the file /tmp/siglip-tfjs-memory-PID it writes
// "run:number", that many mappings succeed from then on, and all that follow fail, until the file is gone or says another run. A
// file, since what a test sets in its environment does not reach C++ under jest.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <mutex>
#include <string>

namespace {

void *MapUnlessCounted(void *at, size_t bytes, int protection, int flags, int file, off_t offset) {
  static std::mutex mutex;
  static std::string known;
  static long left = 0;
  const std::lock_guard<std::mutex> lock(mutex);
  std::ifstream said("/tmp/siglip-tfjs-memory-" + std::to_string(getpid()));
  std::string wanted;
  if (said >> wanted) {
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
#include "program/pages.cc"
