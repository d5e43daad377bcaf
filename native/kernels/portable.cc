// The kernels for any processor; compiled with no flags, for WebAssembly with its vectors and perhaps with the relaxed ones.
#define SIGLIP_ISA portable
#include "kernels/table.h"

namespace siglip {

#if defined(__wasm_relaxed_simd__)
constexpr char kName[] = "relaxed-simd";
#elif defined(__wasm_simd128__)
constexpr char kName[] = "simd";
#else
constexpr char kName[] = "portable";
#endif

const Kernels *PortableKernels() {
  static constexpr Kernels kernels = portable::MakeKernels(kName, false);
  return &kernels;
}

}  // namespace siglip
