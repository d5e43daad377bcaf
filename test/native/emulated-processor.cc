// A processor that has everything.
#include "kernels/processor.h"

std::vector<const siglip::Kernels *> siglip::UsableKernels() {
  return {AmxKernels(), Avx512Kernels(), Avx2Kernels(), PortableKernels()};
}
