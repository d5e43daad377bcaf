// The instructions of AVX-512 and AMX that the kernels use, as functions for a processor with AVX2 alone: written from
// Intel's definitions, not for speed. Included before everything else.
#pragma once

#include <immintrin.h>

#include <cmath>
#include <cstdint>
#include <cstring>

#define __AVX512F__ 1
#define __AVX512BW__ 1
#define __AVX512VL__ 1
#define __AVX512DQ__ 1
#if defined(SIGLIP_EMULATED_AMX)
#define __AVX512VNNI__ 1
#define __AVX512BF16__ 1
#define __AMX_TILE__ 1
#define __AMX_BF16__ 1
#endif

namespace emulated {

typedef float Floats __attribute__((vector_size(64)));
typedef uint32_t Words __attribute__((vector_size(64)));
typedef uint16_t Halves __attribute__((vector_size(64)));
typedef uint16_t FewHalves __attribute__((vector_size(32)));

// Elements without a bit in the mask are not touched, even if their memory is nobody's.
template <typename Vector, typename Element>
inline Vector LoadMasked(uint32_t mask, const void *from) {
  Element elements[sizeof(Vector) / sizeof(Element)] = {};
  for (unsigned i = 0; i < sizeof elements / sizeof(Element); i++) {
    if (mask >> i & 1) elements[i] = static_cast<const Element *>(from)[i];
  }
  Vector v;
  std::memcpy(&v, elements, sizeof v);
  return v;
}

inline void StoreMasked(void *to, uint32_t mask, __m512 v) {
  for (int i = 0; i < 16; i++) {
    if (mask >> i & 1) static_cast<float *>(to)[i] = v[i];
  }
}

template <typename Function>
inline __m512 Each(__m512 a, __m512 b, Function f) {
  __m512 result = {};
  for (int i = 0; i < 16; i++) result[i] = f(a[i], b[i]);
  return result;
}

inline __m512 MultiplyAdd(__m512 a, __m512 b, __m512 c) {
  __m256 x[2], y[2], z[2];
  std::memcpy(x, &a, 64);
  std::memcpy(y, &b, 64);
  std::memcpy(z, &c, 64);
  for (int half = 0; half < 2; half++) z[half] = _mm256_fmadd_ps(x[half], y[half], z[half]);
  std::memcpy(&c, z, 64);
  return c;
}

// As wrong as it may be, so that who relies on more is found out.
inline float ReciprocalOf(float x, float) { return 1.0f / x * (1.0f - 0x1p-14f); }

inline float ScaleBy(float x, float n) {
  const float whole = std::floor(n), most = 400;
  return n != n ? n : std::scalbn(x, static_cast<int>(whole > most ? most : whole < -most ? -most : whole));
}

inline float SumOf(__m512 v) {
  for (int step = 8; step > 0; step /= 2) {
    for (int i = 0; i < step; i++) v[i] += v[i + step];
  }
  return v[0];
}

// To the nearest bfloat16, ties to even; denormals become 0.
inline FewHalves Narrow(__m512 v) {
  Words bits;
  std::memcpy(&bits, &v, 64);
  const Words is_zero = (bits & 0x7f800000) == 0;
  const Words is_nan = (bits & 0x7fffffff) > 0x7f800000;
  const Words rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
  const Words result = is_nan ? bits >> 16 | 0x40 : is_zero ? bits >> 16 & 0x8000 : rounded;
  return __builtin_convertvector(result, FewHalves);
}

inline Halves NarrowBoth(__m512 high, __m512 low) {
  const FewHalves both[2] = {Narrow(low), Narrow(high)};
  Halves result;
  std::memcpy(&result, both, 64);
  return result;
}

inline __m512i Insert(__m512i v, __m256i half, int place) {
  std::memcpy(reinterpret_cast<char *>(&v) + place * 32, &half, 32);
  return v;
}

// A thread's tiles. One that was not configured has no rows, and stops the program as on the processor.
struct Tile {
  int rows, row_bytes;
  alignas(64) uint8_t bytes[16][64];
};
static thread_local Tile tiles[8];

inline Tile &Configured(int t) {
  if (tiles[t].rows == 0) __builtin_trap();
  return tiles[t];
}

inline void Configure(const void *from) {
  const uint8_t *config = static_cast<const uint8_t *>(from);
  if (config[0] != 1) __builtin_trap();
  for (int t = 0; t < 8; t++) {
    uint16_t row_bytes;
    std::memcpy(&row_bytes, config + 16 + 2 * t, 2);
    tiles[t] = {config[48 + t], row_bytes, {}};
  }
}

inline void Release() { std::memset(tiles, 0, sizeof tiles); }

inline void LoadTile(int t, const void *from, int64_t stride) {
  Tile &tile = Configured(t);
  std::memset(tile.bytes, 0, sizeof tile.bytes);
  for (int row = 0; row < tile.rows; row++) {
    std::memcpy(tile.bytes[row], static_cast<const char *>(from) + row * stride, tile.row_bytes);
  }
}

inline void StoreTile(int t, void *to, int64_t stride) {
  const Tile &tile = Configured(t);
  for (int row = 0; row < tile.rows; row++) {
    std::memcpy(static_cast<char *>(to) + row * stride, tile.bytes[row], tile.row_bytes);
  }
}

inline void ZeroTile(int t) { std::memset(Configured(t).bytes, 0, sizeof tiles[t].bytes); }

// c[m][n] += Σ a[m][k]·b[k][n], both of pairs: sums of the first of all pairs, and of the second.
inline void MultiplyTiles(int c, int a, int b) {
  Tile &sums = Configured(c), &left = Configured(a), &right = Configured(b);
  for (int m = 0; m < sums.rows; m++) {
    Floats sum, firsts = {}, seconds = {};
    for (int k = 0; k < left.row_bytes / 4; k++) {
      uint32_t x;
      Words y;
      std::memcpy(&x, left.bytes[m] + 4 * k, 4);
      std::memcpy(&y, right.bytes[k], 64);
      const Words first = y << 16, second = y & 0xffff0000;
      const uint32_t x_first = x << 16, x_second = x & 0xffff0000;
      float by_first, by_second;
      std::memcpy(&by_first, &x_first, 4);
      std::memcpy(&by_second, &x_second, 4);
      firsts += by_first * reinterpret_cast<Floats>(first);
      seconds += by_second * reinterpret_cast<Floats>(second);
    }
    std::memcpy(&sum, sums.bytes[m], 64);
    sum += firsts + seconds;
    std::memcpy(sums.bytes[m], &sum, sums.row_bytes);
  }
}

}  // namespace emulated

// Some are macros to the compiler, too.
#undef _mm512_inserti64x4
#undef _mm512_scalef_ps
#undef _tile_dpbf16ps
#undef _tile_loadd
#undef _tile_release
#undef _tile_stored
#undef _tile_zero

#define _mm256_maskz_loadu_epi16 emulated::LoadMasked<__m256i, uint16_t>
#define _mm512_castsi256_si512(v) emulated::Insert(__m512i{}, v, 0)
#define _mm512_cvtne2ps_pbh emulated::NarrowBoth
#define _mm512_cvtneps_pbh emulated::Narrow
#define _mm512_fmadd_ps emulated::MultiplyAdd
#define _mm512_inserti64x4 emulated::Insert
#define _mm512_mask_storeu_ps emulated::StoreMasked
#define _mm512_maskz_loadu_epi16 emulated::LoadMasked<__m512i, uint16_t>
#define _mm512_maskz_loadu_ps emulated::LoadMasked<__m512, float>
#define _mm512_max_ps(a, b) emulated::Each(a, b, [](float x, float y) { return x > y ? x : y; })
#define _mm512_min_ps(a, b) emulated::Each(a, b, [](float x, float y) { return x < y ? x : y; })
#define _mm512_rcp14_ps(a) emulated::Each(a, a, emulated::ReciprocalOf)
#define _mm512_reduce_add_ps emulated::SumOf
#define _mm512_scalef_ps(a, n) emulated::Each(a, n, emulated::ScaleBy)
#define _mm512_sqrt_ps(a) emulated::Each(a, a, [](float x, float) { return __builtin_sqrtf(x); })
#define _tile_dpbf16ps emulated::MultiplyTiles
#define _tile_loadconfig emulated::Configure
#define _tile_loadd emulated::LoadTile
#define _tile_release emulated::Release
#define _tile_stored emulated::StoreTile
#define _tile_zero emulated::ZeroTile
