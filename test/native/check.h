// A small frame for tests of the core: no Node, no TensorFlow, no framework. A test is a function that TEST registers; CHECK fails
// it.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "kernels/processor.h"

namespace test {

struct Test {
  const char *name;
  void (*run)();
};

inline std::vector<Test> &Tests() {
  static std::vector<Test> tests;
  return tests;
}

struct Registered {
  Registered(const char *name, void (*run)()) { Tests().push_back({name, run}); }
};

// What is checked now, for the message.
inline std::string &Context() {
  static std::string context;
  return context;
}
inline int64_t &Checks() {
  static int64_t checks = 0;
  return checks;
}
inline int64_t &Failures() {
  static int64_t failures = 0;
  return failures;
}

inline void Report(bool passed, const char *file, int line, const char *what, const std::string &detail) {
  Checks()++;
  if (passed) return;
  if (Failures()++ < 20) std::printf("%s:%d: %s %s (%s)\n", file, line, what, detail.c_str(), Context().c_str());
}

#define TEST(name)                                              \
  static void name();                                           \
  static const test::Registered registered_##name(#name, name); \
  static void name()
#define CHECK(condition) test::Report((condition), __FILE__, __LINE__, #condition, "")
#define CHECK_WITH(condition, detail)                                                        \
  do {                                                                                       \
    const bool passed = (condition);                                                         \
    test::Report(passed, __FILE__, __LINE__, #condition, passed ? std::string() : (detail)); \
  } while (false)

// Random numbers, the same in each run.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15u + 1) {}
  uint64_t Next() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    return state_ ^= state_ << 17;
  }
  int64_t Int(int64_t least, int64_t most) {
    return least + static_cast<int64_t>(Next() % static_cast<uint64_t>(most - least + 1));
  }
  bool Chance(int one_in) { return Int(1, one_in) == 1; }
  double Unit() { return static_cast<double>(Next() >> 11) / 9007199254740992.0; }
  float Value() { return static_cast<float>(4 * Unit() - 2); }
  template <typename T, size_t kCount>
  T Of(const T (&values)[kCount]) {
    return values[Int(0, kCount - 1)];
  }

 private:
  uint64_t state_;
};

// Runs `body` with the kernels of each ISA that this build has and this processor runs.
template <typename Body>
void OnEachIsa(const Body &body) {
  for (const siglip::Kernels *kernels : siglip::UsableKernels()) body(*kernels);
}

}  // namespace test
