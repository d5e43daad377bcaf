// The table of the instruction set whose file includes this: SIGLIP_ISA names its namespace, so that no function compiled
// for a newer processor is ever merged with one that older processors run. For the same reason nothing of the C++ library
// but its C functions is used in here.
#pragma once

#include "gemm/gemm.h"
#include "kernels/attention.h"
#include "kernels/copy.h"
#include "kernels/elementwise.h"
#include "kernels/kernels.h"

namespace siglip {
namespace SIGLIP_ISA {

constexpr Kernels MakeKernels(const char *name, bool bfloat16) {
  return {name, bfloat16, MultiplyProduct, PackedBytes, Pack, Attend, Rows, Copy, Gather, SegmentSum};
}

}  // namespace SIGLIP_ISA
}  // namespace siglip
