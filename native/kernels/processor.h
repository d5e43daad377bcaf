// Which kernels this processor runs.
#pragma once

#include <vector>

#include "kernels/kernels.h"

namespace siglip {

// The best first; the portable ones are always there. Asks the system for leave to use AMX's registers.
std::vector<const Kernels *> UsableKernels();

}  // namespace siglip
