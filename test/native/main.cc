// Runs the tests, or those whose names contain an argument.
#include <chrono>

#include "check.h"
#include "program/denormals.h"

int main(int count, char **arguments) {
  for (const siglip::Kernels *kernels : siglip::UsableKernels()) std::printf("%s ", kernels->name);
  std::printf("\n");
  const siglip::FlushDenormals flush;  // as the engine's threads do
  int run = 0;
  for (const test::Test &test : test::Tests()) {
    bool wanted = count < 2;
    for (int i = 1; i < count; i++) wanted = wanted || std::string(test.name).find(arguments[i]) != std::string::npos;
    if (!wanted) continue;
    run++;
    const int64_t checks = test::Checks(), failures = test::Failures();
    const auto start = std::chrono::steady_clock::now();
    test::Context().clear();
    test.run();
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
    std::printf("%s %s: %lld checks, %lld failed, %.1f s\n", test::Failures() == failures ? "ok  " : "FAIL", test.name,
                static_cast<long long>(test::Checks() - checks), static_cast<long long>(test::Failures() - failures),
                taken.count());
    if (test::Checks() == checks) test::Report(false, __FILE__, __LINE__, "a test without checks", test.name);
  }
  return run > 0 && test::Failures() == 0 ? 0 : 1;
}
