// The kernels for AVX-512; compiled with -mavx512{f,bw,vl,dq}. Without these flags there are none.
#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__AVX512DQ__)
#define SIGLIP_ISA avx512
#include "kernels/table.h"

namespace siglip {

const Kernels *Avx512Kernels() {
  static constexpr Kernels kernels = avx512::MakeKernels("avx512", false);
  return &kernels;
}

}  // namespace siglip
#else
#include "kernels/kernels.h"

const siglip::Kernels *siglip::Avx512Kernels() { return nullptr; }
#endif
