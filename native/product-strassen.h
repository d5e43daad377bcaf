// Strassen's algorithm, one level deep: c's quadrants from seven products of sums of a's and b's quadrants, not from eight of the
// quadrants themselves.
//   M1 = (A11 + A22)·(B11 + B22)   M2 = (A21 + A22)·B11   M3 = A11·(B12 − B22)   M4 = A22·(B21 − B11)
//   M5 = (A11 + A12)·B22           M6 = (A21 − A11)·(B11 + B12)                  M7 = (A12 − A22)·(B21 + B22)
//   C11 = M1 + M4 − M5 + M7        C12 = M3 + M5          C21 = M2 + M4          C22 = M1 − M2 + M3 + M6
// The sums are made while operands are packed, c's quadrants while blocks are finished: no matrix in between is ever written.
// The halves of the depth are those of parts of k, two slices each. Of a part, a panel holds seven slices one behind the other: one of
// each strand, as a product's operand is called here.
//
// Errors are about √2 times those of the plain sums if rows are of like size, and so are columns; else those of the larger ones, since
// row i is added to row i + m/2. So is NaN.
#pragma once

#include "product-lines.h"

namespace siglip {
namespace SIGLIP_ISA {

constexpr int64_t kStrands = 7;
constexpr int64_t kLeastRows = 384, kLeastColumns = 256, kLeastDepth = 512;  // what is smaller isn't faster by it

// The first `half` lines, or those after them.
inline Lines HalfOf(const Lines &lines, int64_t half, bool second) {
  Lines part = lines;
  part.data = lines.at(second ? half : 0, 0);
  part.count = second ? lines.count - half : half;
  return part;
}

// The slices of a part in a panel of rows of a or columns of b, `size` elements each. pack(second, deeper, to) lays out the same panel
// of a quadrant: of the second half of the lines; of the second half of the part.
template <typename Pack>
void PackStrands(bool rows, int64_t size, float *to, const Pack &pack) {
  const auto strand = [&](int product) { return to + (product - 1) * size; };
  // A quadrant goes to a strand that is nothing else, or to one that is made of it.
  float *const q11 = strand(rows ? 3 : 2), *const q22 = strand(rows ? 4 : 5);
  float *const q12 = strand(rows ? 7 : 3), *const q21 = strand(rows ? 6 : 4);
  pack(false, false, q11);
  pack(!rows, rows, q12);
  pack(rows, !rows, q21);
  pack(true, true, q22);
  float *const m1 = strand(1), *const m2 = strand(2), *const m3 = strand(3), *const m4 = strand(4), *const m5 = strand(5);
  float *const m6 = strand(6), *const m7 = strand(7);
  const auto combine = [&](int64_t i, auto load, auto store) {
    const auto x11 = load(q11 + i), x12 = load(q12 + i), x21 = load(q21 + i), x22 = load(q22 + i);
    store(m1 + i, x11 + x22);
    if (rows) {
      store(m2 + i, x21 + x22), store(m5 + i, x11 + x12);
      store(m6 + i, x21 - x11), store(m7 + i, x12 - x22);
    } else {
      store(m3 + i, x12 - x22), store(m4 + i, x21 - x11);
      store(m6 + i, x11 + x12), store(m7 + i, x21 + x22);
    }
  };
  int64_t i = 0;
  for (; i + kLanes <= size; i += kLanes) combine(i, Load, Store);
  for (; i < size; i++) combine(i, [](const float *from) { return *from; }, [](float *at, float v) { *at = v; });
}

// The quadrants' blocks, each kSize elements, from a block of each strand, `apart` from one another.
template <int64_t kSize>
struct Quadrants {
  alignas(64) float c11[kSize], c12[kSize], c21[kSize], c22[kSize];

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
