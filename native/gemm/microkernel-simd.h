// The microkernel of float32 vectors; for bfloat16, operands are rounded, then widened.
#pragma once

#include "gemm/pack.h"

namespace siglip {
namespace SIGLIP_ISA {

template <bool kRounded>
struct SimdMicrokernel {
  using Element = float;
  // As many sums as registers hold beside a row of b and an element of a.
#if defined(__AVX512F__)
  static constexpr int kMr = 14, kVectors = 2;
#elif defined(__AVX2__)
  static constexpr int kMr = 6, kVectors = 2;
#elif defined(__aarch64__)
  static constexpr int kMr = 8, kVectors = 3;
#elif defined(__wasm_relaxed_simd__)
  static constexpr int kMr = 8, kVectors = 1;  // 1.35 times as fast as 4 × 2
#else
  static constexpr int kMr = 4, kVectors = 2;
#endif
  static constexpr int kNr = kVectors * kLanes;
  static constexpr int kKr = 1;                        // k is padded to a multiple of it
  static constexpr int kKc = 768, kMaxPackedK = 1024;  // blocking.h
  static constexpr int kPackingCost = 16;              // of an element, in multiplications
  static constexpr int kStep = 16;
  static constexpr int kDeepPackedK = 192;  // where k is far larger than m and n
  static constexpr bool kPacksMany = true;  // many panels at once, faster than one after another

  static void Begin() {}
  static void End() {}

  template <int kWidth>
  static void Pack(const Lines &lines, int64_t first, int64_t start, int64_t depth, float *to) {
    if (lines.dtype == DType::kBFloat16) PackFloats<kWidth, DType::kBFloat16, kRounded>(lines, first, start, depth, to);
    else PackFloats<kWidth, DType::kFloat32, kRounded>(lines, first, start, depth, to);
  }
  static void PackA(const Lines &lines, int64_t first, int64_t start, int64_t depth, float *to) {
    Pack<kMr>(lines, first, start, depth, to);
  }
  static void PackB(const Lines &lines, int64_t first, int64_t start, int64_t depth, float *to) {
    Pack<kNr>(lines, first, start, depth, to);
  }

  // Panels whose lines lie beside each other, as many of them as can be read in whole vectors; returns how many.
  template <int kWidth>
  static int64_t PackManyBeside(const Lines &lines, int64_t first, int64_t panels, int64_t start, int64_t depth, float *to,
                                int64_t step) {
    constexpr int64_t kOver = (kWidth + kLanes - 1) / kLanes * kLanes - kWidth;
    const int64_t whole = (lines.count - kOver - first) / kWidth, count = whole < panels ? whole : panels;
    if (count <= 0) return 0;
    const auto pack = lines.dtype == DType::kBFloat16 ? PackBeside<kWidth, DType::kBFloat16, kRounded>
                                                      : PackBeside<kWidth, DType::kFloat32, kRounded>;
    pack(lines, first, count, start, depth, to, step);
    return count;
  }
  static int64_t PackMany(bool is_a, const Lines &lines, int64_t first, int64_t panels, int64_t start, int64_t depth, float *to,
                          int64_t step) {
    if (lines.stride != 1) return 0;
    return is_a ? PackManyBeside<kMr>(lines, first, panels, start, depth, to, step)
                : PackManyBeside<kNr>(lines, first, panels, start, depth, to, step);
  }

  template <int kCount, typename Work>
  static void MultiplyRows(const float *a, const float *b, int64_t depth, float *sums, bool add, Work &interleaved) {
    const int64_t lines_per_step = (interleaved.lines_per_tile * kStep + depth - 1) / (depth > 0 ? depth : 1);
    Float sum[kCount][kVectors];
#pragma GCC unroll 16
    for (int i = 0; i < kCount; i++) {
#pragma GCC unroll 4
      for (int j = 0; j < kVectors; j++) sum[i][j] = add ? Load(sums + i * kNr + j * kLanes) : Float{};
    }
    for (int64_t k = 0; k < depth; k += kStep) {
      interleaved.Prefetch(lines_per_step);
      const float *end = b + (depth - k < kStep ? depth - k : kStep) * kNr;
#pragma GCC unroll 2
      for (; b < end; a += kMr, b += kNr) {
        Float row[kVectors];
#pragma GCC unroll 4
        for (int j = 0; j < kVectors; j++) row[j] = Load(b + j * kLanes);
#pragma GCC unroll 16
        for (int i = 0; i < kCount; i++) {
          const Float element = a[i] - Float{};
#pragma GCC unroll 4
          for (int j = 0; j < kVectors; j++) sum[i][j] = MultiplyAdd(element, row[j], sum[i][j]);
        }
      }
    }
#pragma GCC unroll 16
    for (int i = 0; i < kCount; i++) {
#pragma GCC unroll 4
      for (int j = 0; j < kVectors; j++) Store(sums + i * kNr + j * kLanes, sum[i][j]);
    }
  }

  // sums[row][column] (kMr × kNr) = or += an A panel · a B panel; only so many rows and columns of it matter. What is interleaved
  // does its share for a tile.
  template <typename Work = NothingInterleaved>
  static void Multiply(int64_t rows, int64_t, const float *a, const float *b, int64_t depth, float *sums, bool add,
                       Work &&interleaved = {}) {
    constexpr int kEight = kMr < 8 ? kMr : 8;
    interleaved.RunEpilogueShare();
    if (rows == 1) MultiplyRows<1>(a, b, depth, sums, add, interleaved);
    else if (rows <= 2) MultiplyRows<2>(a, b, depth, sums, add, interleaved);
    else if (rows <= 4) MultiplyRows<4>(a, b, depth, sums, add, interleaved);
    else if (kMr > 8 && rows <= 8) MultiplyRows<kEight>(a, b, depth, sums, add, interleaved);
    else MultiplyRows<kMr>(a, b, depth, sums, add, interleaved);
  }
};

}  // namespace SIGLIP_ISA
}  // namespace siglip
