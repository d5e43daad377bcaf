// The kernels for AVX2 and FMA; compiled with -mavx2 -mfma. Without these flags there are none.
#if defined(__AVX2__) && defined(__FMA__)
#define SIGLIP_ISA avx2
#include "kernels/table.h"

namespace siglip {

const Kernels *Avx2Kernels() {
  static constexpr Kernels kernels = avx2::MakeKernels("avx2", false);
  return &kernels;
}

}  // namespace siglip
#else
#include "kernels/kernels.h"

const siglip::Kernels *siglip::Avx2Kernels() { return nullptr; }
#endif
