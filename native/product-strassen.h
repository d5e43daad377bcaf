// Strassen's algorithm, one level deep: c's quadrants from seven products of sums of a's and b's quadrants, not from eight of the
// quadrants themselves.
//   M1 = (A11 + A22)·(B11 + B22)   M2 = (A21 + A22)·B11   M3 = A11·(B12 − B22)   M4 = A22·(B21 − B11)
//   M5 = (A11 + A12)·B22           M6 = (A21 − A11)·(B11 + B12)                  M7 = (A12 − A22)·(B21 + B22)
//   C11 = M1 + M4 − M5 + M7        C12 = M3 + M5          C21 = M2 + M4          C22 = M1 − M2 + M3 + M6
// The sums are made while operands are packed, c's quadrants while blocks are finished: no matrix in between is ever written.
// A panel consists of seven strands, one for each product, one behind the other.
#pragma once

#include "product-lines.h"

namespace siglip {
namespace SIGLIP_ISA {

constexpr int64_t kStrands = 7;
constexpr int64_t kLeastRows = 384, kLeastColumns = 256, kLeastDepth = 512;  // what is smaller isn't faster by it

// The first `half` lines, or those after them.
inline Lines HalfOf(const Lines &lines, int64_t half, bool second) {
  Lines part = lines;
  if (second) part.data = lines.at(half, 0), part.count -= half;
  else part.count = half;
  return part;
}

// The strands of a panel of rows of a or columns of b, `size` elements each. pack(second, deeper, to) lays out the same panel of a
// quadrant: of the second half of the lines; of the second half along them.
template <typename Pack>
void PackStrands(bool rows, int64_t size, float *to, const Pack &pack) {
  const auto strand = [&](int product) { return to + (product - 1) * size; };
  float *const q11 = strand(rows ? 3 : 2), *const q22 = strand(rows ? 4 : 5);  // by half of the lines, half along them
  float *const q21 = strand(rows ? 6 : 3), *const q12 = strand(rows ? 7 : 4);  // turn into differences
  float *const sum = strand(1), *const sum21 = strand(rows ? 2 : 6), *const sum12 = strand(rows ? 5 : 7);
  pack(false, false, q11);
  pack(true, false, q21);
  pack(false, true, q12);
  pack(true, true, q22);
  const auto combine = [&](int64_t i, auto load, auto store) {
    const auto x21 = load(q21 + i), x12 = load(q12 + i);
    const auto to21 = load((rows ? q22 : q11) + i), to12 = load((rows ? q11 : q22) + i);
    store(sum + i, to21 + to12);
    store(sum21 + i, x21 + to21), store(q21 + i, x21 - to12);
    store(sum12 + i, x12 + to12), store(q12 + i, x12 - to21);
  };
  int64_t i = 0;
  for (; i + kLanes <= size; i += kLanes) combine(i, Load, Store);
  for (; i < size; i++) combine(i, [](const float *from) { return *from; }, [](float *at, float v) { *at = v; });
}

// The quadrants' blocks, each kSize elements, from a block of each strand, `apart` from one another.
template <int64_t kSize>
struct Quadrants {
  float c11[kSize], c12[kSize], c21[kSize], c22[kSize];

  void Join(const float *strands, int64_t apart, int64_t size) {
    for (int64_t i = 0; i < size; i += kLanes) {
      Float m[kStrands];
#pragma GCC unroll 7
      for (int j = 0; j < kStrands; j++) m[j] = Load(strands + j * apart + i);
      Store(c11 + i, m[0] + m[3] - m[4] + m[6]);
      Store(c12 + i, m[2] + m[4]);
      Store(c21 + i, m[1] + m[3]);
      Store(c22 + i, m[0] - m[1] + m[2] + m[5]);
    }
  }
};

}  // namespace SIGLIP_ISA
}  // namespace siglip
