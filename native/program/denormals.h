// Denormal numbers are zeros to everything the engine computes, as to TensorFlow's kernels: on all threads, whatever their number.
// On WebAssembly, which cannot do so, they are numbers.
#pragma once

#include <cstdint>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace siglip {

// While it lives, this thread's arithmetic takes denormals for zeros and gives zeros for them. Moves keep them.
class FlushDenormals {
 public:
  FlushDenormals() : before_(Get()) { Set(before_ | kFlush); }
  ~FlushDenormals() { Set(before_); }
  FlushDenormals(const FlushDenormals &) = delete;
  FlushDenormals &operator=(const FlushDenormals &) = delete;

 private:
#if defined(__x86_64__)
  using State = unsigned int;
  static constexpr State kFlush = 0x8040;  // MXCSR's flush to zero, denormals are zeros
  static State Get() { return _mm_getcsr(); }
  static void Set(State state) { _mm_setcsr(state); }
#elif defined(__aarch64__)
  using State = uint64_t;
  static constexpr State kFlush = uint64_t{1} << 24;  // FPCR's flush to zero
  static State Get() {
    State state;
    asm volatile("mrs %0, fpcr" : "=r"(state));
    return state;
  }
  static void Set(State state) { asm volatile("msr fpcr, %0" : : "r"(state)); }
#else  // WebAssembly computes with denormals
  using State = int;
  static constexpr State kFlush = 0;
  static State Get() { return 0; }
  static void Set(State) {}
#endif

  const State before_;
};

}  // namespace siglip
