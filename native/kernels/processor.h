// The ISAs that this processor runs.
#pragma once

#include <vector>

#include "kernels/kernels.h"

namespace siglip {

// The best first; the portable one is always there. Asks the system for AMX's registers.
std::vector<const Kernels *> UsableKernels();

}  // namespace siglip
