// The kernels for processors with AMX, which multiplies bfloat16 by tiles; compiled with -mavx512{f,bw,vl,dq,vnni,bf16} and
// -mamx-{tile,bf16}. Without these flags there are none.
#if defined(__AMX_BF16__) && defined(__AVX512BF16__)
#define SIGLIP_ISA amx
#include "kernels/table.h"

namespace siglip {

const Kernels *AmxKernels() {
  static constexpr Kernels kernels = amx::MakeKernels("amx", true);
  return &kernels;
}

}  // namespace siglip
#else
#include "kernels/kernels.h"

const siglip::Kernels *siglip::AmxKernels() { return nullptr; }
#endif
