// A lock between threads that call the engine.
#pragma once

#include <mutex>

namespace siglip {

#if defined(__wasm__)
// One thread calls an instance of WebAssembly at a time.
class Mutex {
 public:
  void lock() {}
  void unlock() {}
  bool try_lock() { return true; }
};
#else
using Mutex = std::mutex;
#endif

}  // namespace siglip
