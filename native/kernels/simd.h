// A vector of floats, as wide as the ISA has it, and what intrinsics are needed for. All else uses the operators that GCC and clang
// give to vectors.
#pragma once

#include <cstdint>
#include <cstring>

#if defined(__x86_64__) || defined(_M_X64)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#elif defined(__wasm_simd128__)
#include <wasm_simd128.h>
#endif

namespace siglip {
namespace SIGLIP_ISA {

#if defined(__AVX512F__)
constexpr int kLanes = 16;
#elif defined(__AVX2__)
constexpr int kLanes = 8;
#else
constexpr int kLanes = 4;
#endif

typedef float Float __attribute__((vector_size(4 * kLanes)));
typedef int32_t Int __attribute__((vector_size(4 * kLanes)));
typedef uint32_t Uint __attribute__((vector_size(4 * kLanes)));
typedef uint16_t Bf16 __attribute__((vector_size(2 * kLanes)));  // bfloat16
typedef uint8_t Byte __attribute__((vector_size(kLanes)));
typedef double HalfDouble __attribute__((vector_size(4 * kLanes)));  // half as many
typedef float HalfFloat __attribute__((vector_size(2 * kLanes)));

inline int64_t RoundUp(int64_t n, int64_t to) { return (n + to - 1) / to * to; }

template <typename Vector, typename Element>
inline Vector LoadAs(const Element *from) {
  Vector v;
  std::memcpy(&v, from, sizeof v);
  return v;
}

template <typename Vector, typename Element>
inline void StoreAs(Element *to, Vector v) {
  std::memcpy(to, &v, sizeof v);
}

inline Float Splat(float x) { return x - Float{}; }  // which keeps −0
inline Float Load(const float *from) { return LoadAs<Float>(from); }
inline void Store(float *to, Float v) { StoreAs(to, v); }

inline Float AsFloat(Int v) { return reinterpret_cast<Float>(v); }
inline Int AsInt(Float v) { return reinterpret_cast<Int>(v); }
inline Float Select(Int mask, Float a, Float b) { return mask ? a : b; }

// The first n < kLanes elements; the others are 0.
inline Float LoadPart(const float *from, int64_t n) {
#if defined(__AVX512F__)
  return reinterpret_cast<Float>(_mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << n) - 1), from));
#elif defined(__AVX2__)
  const __m256i mask = _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  return reinterpret_cast<Float>(_mm256_maskload_ps(from, mask));
#else
  float part[kLanes] = {};
  for (int64_t i = 0; i < n; i++) part[i] = from[i];
  return Load(part);
#endif
}

inline void StorePart(float *to, int64_t n, Float v) {
#if defined(__AVX512F__)
  _mm512_mask_storeu_ps(to, static_cast<__mmask16>((1u << n) - 1), reinterpret_cast<__m512>(v));
#elif defined(__AVX2__)
  const __m256i mask = _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  _mm256_maskstore_ps(to, mask, reinterpret_cast<__m256>(v));
#else
  for (int64_t i = 0; i < n; i++) to[i] = v[i];
#endif
}

// a·b + c, rounded once where the ISA can.
inline Float MultiplyAdd(Float a, Float b, Float c) {
#if defined(__AVX512F__)
  return reinterpret_cast<Float>(
      _mm512_fmadd_ps(reinterpret_cast<__m512>(a), reinterpret_cast<__m512>(b), reinterpret_cast<__m512>(c)));
#elif defined(__AVX2__)
  return reinterpret_cast<Float>(
      _mm256_fmadd_ps(reinterpret_cast<__m256>(a), reinterpret_cast<__m256>(b), reinterpret_cast<__m256>(c)));
#elif defined(__aarch64__)
  return reinterpret_cast<Float>(
      vfmaq_f32(reinterpret_cast<float32x4_t>(c), reinterpret_cast<float32x4_t>(a), reinterpret_cast<float32x4_t>(b)));
#elif defined(__wasm_relaxed_simd__)
  return reinterpret_cast<Float>(
      wasm_f32x4_relaxed_madd(reinterpret_cast<v128_t>(a), reinterpret_cast<v128_t>(b), reinterpret_cast<v128_t>(c)));
#else
  return a * b + c;
#endif
}

inline Float SquareRoot(Float v) {
#if defined(__AVX512F__)
  return reinterpret_cast<Float>(_mm512_sqrt_ps(reinterpret_cast<__m512>(v)));
#elif defined(__AVX2__)
  return reinterpret_cast<Float>(_mm256_sqrt_ps(reinterpret_cast<__m256>(v)));
#elif defined(__x86_64__)
  return reinterpret_cast<Float>(_mm_sqrt_ps(reinterpret_cast<__m128>(v)));
#elif defined(__wasm_simd128__)
  return reinterpret_cast<Float>(wasm_f32x4_sqrt(reinterpret_cast<v128_t>(v)));
#else
  for (int i = 0; i < kLanes; i++) v[i] = __builtin_sqrtf(v[i]);
  return v;
#endif
}

// NaN where either is NaN, as in TensorFlow.
inline Float Maximum(Float a, Float b) { return (a > b) | (a != a) ? a : b; }
inline Float Minimum(Float a, Float b) { return (a < b) | (a != a) ? a : b; }

// b where either is NaN.
inline Float MaximumOf(Float a, Float b) {
#if defined(__AVX512F__)
  return reinterpret_cast<Float>(_mm512_max_ps(reinterpret_cast<__m512>(a), reinterpret_cast<__m512>(b)));
#elif defined(__AVX2__)
  return reinterpret_cast<Float>(_mm256_max_ps(reinterpret_cast<__m256>(a), reinterpret_cast<__m256>(b)));
#elif defined(__wasm_simd128__)
  return reinterpret_cast<Float>(wasm_f32x4_pmax(reinterpret_cast<v128_t>(b), reinterpret_cast<v128_t>(a)));
#else
  return a > b ? a : b;
#endif
}
inline Float MinimumOf(Float a, Float b) {
#if defined(__AVX512F__)
  return reinterpret_cast<Float>(_mm512_min_ps(reinterpret_cast<__m512>(a), reinterpret_cast<__m512>(b)));
#elif defined(__AVX2__)
  return reinterpret_cast<Float>(_mm256_min_ps(reinterpret_cast<__m256>(a), reinterpret_cast<__m256>(b)));
#elif defined(__wasm_simd128__)
  return reinterpret_cast<Float>(wasm_f32x4_pmin(reinterpret_cast<v128_t>(b), reinterpret_cast<v128_t>(a)));
#else
  return a < b ? a : b;
#endif
}

inline Float FromBf16(Bf16 v) { return reinterpret_cast<Float>(__builtin_convertvector(v, Uint) << 16); }

// To the nearest bfloat16, ties to even.
inline Bf16 ToBf16(Float v) {
#if defined(__AVX512BF16__)
  return reinterpret_cast<Bf16>(_mm512_cvtneps_pbh(reinterpret_cast<__m512>(v)));
#else
  const Uint bits = reinterpret_cast<Uint>(v);
  const Uint rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
  const Uint result = v != v ? (bits >> 16) | 0x40u : rounded;
#if defined(__AVX2__) && !defined(__AVX512F__)
  const __m256i packed = _mm256_packus_epi32(reinterpret_cast<__m256i>(result), reinterpret_cast<__m256i>(result));
  return reinterpret_cast<Bf16>(_mm256_castsi256_si128(_mm256_permute4x64_epi64(packed, 0x08)));
#else
  return __builtin_convertvector(result, Bf16);
#endif
#endif
}

inline float FromBf16(uint16_t v) {
  const uint32_t bits = static_cast<uint32_t>(v) << 16;
  float result;
  std::memcpy(&result, &bits, 4);
  return result;
}

inline uint16_t ToBf16(float v) { return ToBf16(Splat(v))[0]; }

inline float SumLanes(Float v) {
#if defined(__AVX512F__)
  return _mm512_reduce_add_ps(reinterpret_cast<__m512>(v));
#else
  float sum[kLanes];
  Store(sum, v);
  for (int step = kLanes / 2; step > 0; step /= 2)
    for (int i = 0; i < step; i++) sum[i] += sum[i + step];
  return sum[0];
#endif
}

inline float MaxLanes(Float v) {
  float max = v[0];
  for (int i = 1; i < kLanes; i++) max = v[i] > max || v[i] != v[i] ? v[i] : max;
  return max;
}

}  // namespace SIGLIP_ISA
}  // namespace siglip
