// The table of the ISA whose file includes this. SIGLIP_ISA names its namespace, so that no function compiled for a newer processor
// is merged with one that older processors run. For the same reason kernels use only C functions of the C++ library.
#pragma once

#include "gemm/gemm.h"
#include "kernels/attention.h"
#include "kernels/copy.h"
#include "kernels/elementwise.h"
#include "kernels/gather.h"
#include "kernels/kernels.h"

namespace siglip {
namespace SIGLIP_ISA {

constexpr Kernels MakeKernels(const char *name, bool bfloat16) {
  // In the order of `Kernels`: gemm, packed_bytes, pack, attention, elementwise, copy, gather, segment_sum.
  return {name, bfloat16, MultiplyMatrices, PackedBytes, Pack, Attend, RunElementwise, Copy, Gather, SegmentSum};
}

}  // namespace SIGLIP_ISA
}  // namespace siglip
