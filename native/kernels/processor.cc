#include "kernels/processor.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif
#if defined(__x86_64__) && defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace siglip {
namespace {

#if defined(__x86_64__)
// Linux hands AMX's large registers out on request, to the whole process.
bool HasAmx() {
#if defined(__linux__)
  constexpr int kRequest = 0x1023, kTileData = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
  unsigned a, b, c, d;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return false;
  const bool tile = d >> 24 & 1, bfloat16 = d >> 22 & 1;
  return tile && bfloat16 && syscall(SYS_arch_prctl, kRequest, kTileData) == 0;
#else
  return false;
#endif
}

bool HasAvx512() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512dq");
}

bool HasAvx512BFloat16() { return __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bf16"); }

bool HasAvx2() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
#endif

void Add(std::vector<const Kernels *> &usable, const Kernels *kernels) {
  if (kernels != nullptr) usable.push_back(kernels);
}

}  // namespace

std::vector<const Kernels *> UsableKernels() {
  std::vector<const Kernels *> usable;
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (HasAvx512() && HasAvx512BFloat16() && HasAmx()) Add(usable, AmxKernels());
  if (HasAvx512()) Add(usable, Avx512Kernels());
  if (HasAvx2()) Add(usable, Avx2Kernels());
#endif
  Add(usable, PortableKernels());
  return usable;
}

}  // namespace siglip
