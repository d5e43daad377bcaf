// Operands as lines along k (rows of a, columns of b), packed into panels.
#pragma once

#include "kernels/kernels.h"
#include "kernels/simd.h"

namespace siglip {
namespace SIGLIP_ISA {

// float32 or bfloat16; strides count elements.
struct Lines {
  const char *data;
  DType dtype;
  int64_t count, depth;
  int64_t stride;        // from one line to the next
  int64_t depth_stride;  // along a line

  const char *at(int64_t line, int64_t k) const {
    return data + (line * stride + k * depth_stride) * static_cast<int64_t>(SizeOf(dtype));
  }
};

// What `Multiply` calls in its steps where nothing is interleaved.
struct NothingInterleaved {
  static constexpr int64_t rows_per_tile = 0, lines_per_tile = 0;
  void RunEpilogueShare() const {}
  void RunEpilogue(int64_t) const {}
  void Prefetch(int64_t) const {}
};

inline Bf16 LoadBf16Part(const char *from, int64_t n) {
  Bf16 part = {};
  std::memcpy(&part, from, static_cast<size_t>(n) * 2);
  return part;
}

// A vector of neighbours (the first n, then 0) as float32. kRounded: rounded to bfloat16.
template <DType kType, bool kRounded>
inline Float LoadNeighbours(const char *from, int64_t n) {
  if (kType == DType::kBFloat16) return FromBf16(n >= kLanes ? LoadAs<Bf16>(from) : LoadBf16Part(from, n));
  const float *floats = reinterpret_cast<const float *>(from);
  const Float v = n >= kLanes ? Load(floats) : LoadPart(floats, n);
  return kRounded ? FromBf16(ToBf16(v)) : v;
}

inline void StoreNeighbours(float *to, int64_t n, Float v) {
  if (n >= kLanes) Store(to, v);
  else if (n > 0) StorePart(to, n, v);
}

template <int... kIndex>
struct Indices {};
template <int kCount, int... kIndex>
struct CountTo : CountTo<kCount - 1, kCount - 1, kIndex...> {};
template <int... kIndex>
struct CountTo<0, kIndex...> {
  using Type = Indices<kIndex...>;
};

// a0 b0 a1 b1 … of the lower halves, of the upper halves.
template <typename Vector, int... kIndex>
inline Vector InterleaveLow(Vector a, Vector b, Indices<kIndex...>) {
  return __builtin_shufflevector(a, b, (kIndex / 2 + kIndex % 2 * kLanes)...);
}
template <typename Vector, int... kIndex>
inline Vector InterleaveHigh(Vector a, Vector b, Indices<kIndex...>) {
  return __builtin_shufflevector(a, b, (kLanes / 2 + kIndex / 2 + kIndex % 2 * kLanes)...);
}

// Transposes kLanes vectors.
template <typename Vector>
inline void Transpose(Vector (&v)[kLanes]) {
#if defined(__AVX2__) && !defined(__AVX512F__)
  // Pairs, fours, then halves: where a shuffle across halves takes several instructions, it is the last step alone.
  Vector pairs[8], fours[8];
#pragma GCC unroll 4
  for (int i = 0; i < 8; i += 2) {
    pairs[i] = __builtin_shufflevector(v[i], v[i + 1], 0, 8, 1, 9, 4, 12, 5, 13);
    pairs[i + 1] = __builtin_shufflevector(v[i], v[i + 1], 2, 10, 3, 11, 6, 14, 7, 15);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++) {
    const Vector &first = pairs[i / 2 * 4 + i % 2], &second = pairs[i / 2 * 4 + i % 2 + 2];
    fours[i / 2 * 4 + i % 2 * 2] = __builtin_shufflevector(first, second, 0, 1, 8, 9, 4, 5, 12, 13);
    fours[i / 2 * 4 + i % 2 * 2 + 1] = __builtin_shufflevector(first, second, 2, 3, 10, 11, 6, 7, 14, 15);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++) {
    v[i] = __builtin_shufflevector(fours[i], fours[i + 4], 0, 1, 2, 3, 8, 9, 10, 11);
    v[i + 4] = __builtin_shufflevector(fours[i], fours[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
  }
#else
  constexpr typename CountTo<kLanes>::Type indices;  // log2(kLanes) perfect shuffles of all elements
#pragma GCC unroll 4
  for (int step = 1; step < kLanes; step *= 2) {
    Vector shuffled[kLanes];
#pragma GCC unroll 16
    for (int i = 0; i < kLanes / 2; i++) {
      shuffled[2 * i] = InterleaveLow(v[i], v[i + kLanes / 2], indices);
      shuffled[2 * i + 1] = InterleaveHigh(v[i], v[i + kLanes / 2], indices);
    }
#pragma GCC unroll 16
    for (int i = 0; i < kLanes; i++) v[i] = shuffled[i];
  }
#endif
}

// A part of the line of a panel at `to`, n wide or a whole vector. Unless it is the panel's last, what follows is written later, so
// a whole vector is stored, which some processors do ten times as fast as a part.
inline void StoreInPanel(float *to, int64_t n, Float v, bool is_last) {
  if (is_last) StoreNeighbours(to, n, v);
  else Store(to, v);
}

// kWidth lines, `stride` bytes apart, as to[k][line]; `depth` is a multiple of kLanes. `ends`: nothing of the panel is written
// after it.
template <int kWidth, DType kType, bool kRounded>
void PackAlong(const char *from, int64_t stride, int64_t depth, bool ends, float *to) {
  constexpr int64_t kSize = kType == DType::kBFloat16 ? 2 : 4;
  for (int line = 0; line < kWidth; line += kLanes) {
    const char *start = from;
    float *place = to;
    for (int64_t k = 0; k < depth; k += kLanes, start += kLanes * kSize, place += kLanes * kWidth) {
      const bool is_last = ends && k + kLanes == depth;
      Float block[kLanes];
#pragma GCC unroll 16
      for (int i = 0; i < kLanes; i++) {
        block[i] = line + i < kWidth ? LoadNeighbours<kType, kRounded>(start + (line + i) * stride, kLanes) : Float{};
      }
      Transpose(block);
#pragma GCC unroll 16
      for (int i = 0; i < kLanes; i++) {
        StoreInPanel(place + line + i * kWidth, kWidth - line, block[i], is_last && i + 1 == kLanes);
      }
    }
  }
}

// Panels, `step` behind one another, whose lines lie beside each other, in their order in memory, which is faster by far. The last
// panel is read up to a whole vector.
template <int kWidth, DType kType, bool kRounded>
void PackBeside(const Lines &lines, int64_t first, int64_t panels, int64_t start, int64_t depth, float *to, int64_t step) {
  constexpr int64_t kSize = kType == DType::kBFloat16 ? 2 : 4;
  const char *from = lines.at(first, start);
  for (int64_t k = 0; k < depth; k++, from += lines.depth_stride * kSize, to += kWidth) {
    float *place = to;
    const bool is_last = k + 1 == depth;
    for (int64_t i = 0; i < panels; i++, place += step) {
#pragma GCC unroll 4
      for (int line = 0; line < kWidth; line += kLanes) {
        const Float v = LoadNeighbours<kType, kRounded>(from + (i * kWidth + line) * kSize, kLanes);
        StoreInPanel(place + line, kWidth - line, v, is_last);
      }
    }
  }
}

// Lines first … first + kWidth − 1 (0 past the last) from k = start on, as to[k][line].
template <int kWidth, DType kType, bool kRounded>
void PackFloats(const Lines &lines, int64_t first, int64_t start, int64_t depth, float *to) {
  static_assert(kWidth < kLanes || kWidth % kLanes == 0, "a vector at the end of a line would overlap written ones");
  const int64_t count = lines.count - first < kWidth ? lines.count - first : kWidth;
  if (lines.depth_stride == 1) {
    const int64_t along = count == kWidth ? depth / kLanes * kLanes : 0;
    const int64_t size = static_cast<int64_t>(SizeOf(kType));
    PackAlong<kWidth, kType, kRounded>(lines.at(first, start), lines.stride * size, along, along == depth, to);
    for (int64_t line = 0; line < kWidth; line += kLanes) {
      for (int64_t k = along; k < depth; k += kLanes) {
        Float block[kLanes];
        const int64_t rest = depth - k;
#pragma GCC unroll 16
        for (int i = 0; i < kLanes; i++) {
          const char *from = lines.at(first + line + i, start + k);
          block[i] = line + i < count ? LoadNeighbours<kType, kRounded>(from, rest) : Float{};
        }
        Transpose(block);
        float *column = to + k * kWidth + line;
        if (rest >= kLanes) {
#pragma GCC unroll 16
          for (int i = 0; i < kLanes; i++) StoreInPanel(column + i * kWidth, kWidth - line, block[i], i + 1 == kLanes);
        } else {
          for (int i = 0; i < rest; i++) StoreInPanel(column + i * kWidth, kWidth - line, block[i], i + 1 == rest);
        }
      }
    }
    return;
  }
  for (int64_t k = 0; k < depth; k++, to += kWidth) {
    const char *from = lines.at(first, start + k);
    if (lines.stride == 1) {
      for (int64_t line = 0; line < kWidth; line += kLanes) {
        const int64_t step = line * static_cast<int64_t>(SizeOf(kType));
        const Float v = line < count ? LoadNeighbours<kType, kRounded>(from + step, count - line) : Float{};
        StoreInPanel(to + line, kWidth - line, v, k + 1 == depth);
      }
    } else {
      for (int64_t line = 0; line < kWidth; line++) {
        const char *element = from + line * lines.stride * static_cast<int64_t>(SizeOf(kType));
        if (line >= count) {
          to[line] = 0;
        } else if (kType == DType::kBFloat16) {
          to[line] = FromBf16(*reinterpret_cast<const uint16_t *>(element));
        } else {
          const float value = *reinterpret_cast<const float *>(element);
          to[line] = kRounded ? FromBf16(ToBf16(value)) : value;
        }
      }
    }
  }
}

}  // namespace SIGLIP_ISA
}  // namespace siglip
