// The microkernel of AMX: 32 × 32 sums in four tiles, 32 deep at a time.
#pragma once

#include "gemm/pack.h"

namespace siglip {
namespace SIGLIP_ISA {

struct AmxMicrokernel {
  using Element = uint16_t;
  static constexpr int kMr = 32, kNr = 32;
  static constexpr int kKr = 32;
  static constexpr int kKc = 256, kMaxPackedK = 3072;  // kc deep, a panel is a third of the first-level cache
  static constexpr int kPackingCost = 64;
  static constexpr int kDeepPackedK = kMaxPackedK;
  static constexpr bool kPacksMany = false;
  static constexpr int kTile = 16 * 32;  // elements

  // All tiles have 16 rows of 64 bytes.
  static void Begin() {
    struct alignas(64) {
      uint8_t palette = 1, start = 0, reserved[14] = {};
      uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
      uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
    } config;
    _tile_loadconfig(&config);
  }
  static void End() { _tile_release(); }

  // 32 neighbours (the first n, then 0) as bfloat16.
  template <DType kType>
  static Uint LoadPairs(const char *from, int64_t n) {
    if (n >= 32) {
      if (kType == DType::kBFloat16) return LoadAs<Uint>(from);
      const float *floats = reinterpret_cast<const float *>(from);
      return Join(ToBf16(Load(floats)), ToBf16(Load(floats + 16)));
    }
    const __mmask32 mask = n <= 0 ? 0 : (1u << n) - 1;
    if (kType == DType::kBFloat16) return reinterpret_cast<Uint>(_mm512_maskz_loadu_epi16(mask, from));
    const __m512 low = _mm512_maskz_loadu_ps(static_cast<__mmask16>(mask), from);
    const __m512 high = _mm512_maskz_loadu_ps(static_cast<__mmask16>(mask >> 16), from + 64);
    return Join(ToBf16(reinterpret_cast<Float>(low)), ToBf16(reinterpret_cast<Float>(high)));
  }
  static Uint Join(Bf16 low, Bf16 high) {
    return reinterpret_cast<Uint>(
        _mm512_inserti64x4(_mm512_castsi256_si512(reinterpret_cast<__m256i>(low)), reinterpret_cast<__m256i>(high), 1));
  }

  // The first 16 of the neighbours of two lines, as pairs.
  template <DType kType>
  static Bf16 LoadBf16(const char *from, int64_t n) {
    if (n <= 0) return Bf16{};
    const __mmask16 mask = n >= 16 ? 0xffff : static_cast<__mmask16>((1u << n) - 1);
    if (kType == DType::kBFloat16) return reinterpret_cast<Bf16>(_mm256_maskz_loadu_epi16(mask, from));
    return ToBf16(reinterpret_cast<Float>(_mm512_maskz_loadu_ps(mask, from)));
  }

  static uint16_t ElementAt(const Lines &lines, int64_t line, int64_t k) {
    const char *from = lines.at(line, k);
    return lines.dtype == DType::kBFloat16 ? *reinterpret_cast<const uint16_t *>(from)
                                           : ToBf16(*reinterpret_cast<const float *>(from));
  }

  // 16 lines × 32 elements. kAcross: as a B tile has them, a row for each pair of elements, a column for each line.
  template <DType kType, bool kAcross>
  static void PackTile(const Lines &lines, int64_t line, int64_t k, int64_t depth, uint16_t *to) {
    Uint v[16];
    const int64_t count = lines.count - line;
    bool across = false;
    if (lines.depth_stride == 1) {
#pragma GCC unroll 16
      for (int i = 0; i < 16; i++) v[i] = i < count ? LoadPairs<kType>(lines.at(line + i, k), depth) : Uint{};
    } else if (lines.stride == 1) {
      across = true;
#pragma GCC unroll 16
      for (int i = 0; i < 16; i++) {
        const Bf16 even = 2 * i < depth ? LoadBf16<kType>(lines.at(line, k + 2 * i), count) : Bf16{};
        const Bf16 odd = 2 * i + 1 < depth ? LoadBf16<kType>(lines.at(line, k + 2 * i + 1), count) : Bf16{};
        v[i] = __builtin_convertvector(even, Uint) | (__builtin_convertvector(odd, Uint) << 16);
      }
    } else {
      uint16_t elements[kTile] = {};
      for (int i = 0; i < 16 && i < count; i++) {
        for (int j = 0; j < 32 && j < depth; j++) elements[i * 32 + j] = ElementAt(lines, line + i, k + j);
      }
      for (int i = 0; i < 16; i++) v[i] = LoadAs<Uint>(elements + i * 32);
    }
    if (across != kAcross) Transpose(v);
#pragma GCC unroll 16
    for (int i = 0; i < 16; i++) StoreAs(to + i * 32, v[i]);
  }

  template <DType kType, bool kAcross>
  static void PackAs(const Lines &lines, int64_t first, int64_t start, int64_t depth, uint16_t *to) {
    for (int64_t k = 0; k < depth; k += kKr, to += 2 * kTile) {
      PackTile<kType, kAcross>(lines, first, start + k, depth - k, to);
      PackTile<kType, kAcross>(lines, first + 16, start + k, depth - k, to + kTile);
    }
  }
  static void PackA(const Lines &lines, int64_t first, int64_t start, int64_t depth, uint16_t *to) {
    if (lines.dtype == DType::kBFloat16) PackAs<DType::kBFloat16, false>(lines, first, start, depth, to);
    else PackAs<DType::kFloat32, false>(lines, first, start, depth, to);
  }
  static void PackB(const Lines &lines, int64_t first, int64_t start, int64_t depth, uint16_t *to) {
    if (lines.dtype == DType::kBFloat16) PackAs<DType::kBFloat16, true>(lines, first, start, depth, to);
    else PackAs<DType::kFloat32, true>(lines, first, start, depth, to);
  }

  template <bool kTwoRows, bool kTwoColumns, typename Work>
  static void MultiplyTiles(const uint16_t *a, const uint16_t *b, int64_t depth, float *sums, bool add, Work &interleaved) {
    const int64_t steps = depth > 0 ? depth / kKr : 1;
    const int64_t rows_per_step = (interleaved.rows_per_tile + steps - 1) / steps;
    const int64_t lines_per_step = (interleaved.lines_per_tile + steps - 1) / steps;
    constexpr int64_t kStride = kNr * 4;
    float *below = sums + 16 * kNr;
    if (add) {
      _tile_loadd(0, sums, kStride);
      if (kTwoColumns) _tile_loadd(1, sums + 16, kStride);
      if (kTwoRows) _tile_loadd(2, below, kStride);
      if (kTwoRows && kTwoColumns) _tile_loadd(3, below + 16, kStride);
    } else {
      _tile_zero(0);
      _tile_zero(1);
      _tile_zero(2);
      _tile_zero(3);
    }
    for (int64_t k = 0; k < depth; k += kKr, a += 2 * kTile, b += 2 * kTile) {
      _tile_loadd(4, a, 64);
      _tile_loadd(6, b, 64);
      _tile_dpbf16ps(0, 4, 6);
      if (kTwoColumns) {
        _tile_loadd(7, b + kTile, 64);
        _tile_dpbf16ps(1, 4, 7);
      }
      if (kTwoRows) {
        _tile_loadd(5, a + kTile, 64);
        _tile_dpbf16ps(2, 5, 6);
        if (kTwoColumns) _tile_dpbf16ps(3, 5, 7);
      }
      interleaved.RunEpilogue(rows_per_step);
      interleaved.Prefetch(lines_per_step);
    }
    _tile_stored(0, sums, kStride);
    if (kTwoColumns) _tile_stored(1, sums + 16, kStride);
    if (kTwoRows) _tile_stored(2, below, kStride);
    if (kTwoRows && kTwoColumns) _tile_stored(3, below + 16, kStride);
  }

  // sums[row][column] (kMr × kNr) = or += an A panel · a B panel; only so many rows and columns of it matter. What is interleaved
  // does its share for a tile, a part of it in each step.
  template <typename Work = NothingInterleaved>
  static void Multiply(int64_t rows, int64_t columns, const uint16_t *a, const uint16_t *b, int64_t depth, float *sums, bool add,
                       Work &&interleaved = {}) {
    if (rows > 16) {
      if (columns > 16) MultiplyTiles<true, true>(a, b, depth, sums, add, interleaved);
      else MultiplyTiles<true, false>(a, b, depth, sums, add, interleaved);
    } else {
      if (columns > 16) MultiplyTiles<false, true>(a, b, depth, sums, add, interleaved);
      else MultiplyTiles<false, false>(a, b, depth, sums, add, interleaved);
    }
  }
};

}  // namespace SIGLIP_ISA
}  // namespace siglip
