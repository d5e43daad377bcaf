// The kernels for any processor; compiled with no flags.
#define SIGLIP_ISA portable
#include "kernels/table.h"

namespace siglip {

const Kernels *PortableKernels() {
  static constexpr Kernels kernels = portable::MakeKernels("portable", false);
  return &kernels;
}

}  // namespace siglip
