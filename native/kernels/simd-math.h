// exp, log, tanh … of vectors: within 3 ULP over the whole range; infinities and NaN as in the C library, denormals as zeros
// (denormals.h). The polynomials are Cephes' (exp, log) and Norbert Juffa's (erf).
#pragma once

#include <cmath>

#include "kernels/simd.h"

namespace siglip {
namespace SIGLIP_ISA {

// a / b for b in [1, 2³⁰], without the slow division of wide vectors.
inline Float DivideNormal(Float a, Float b) {
#if defined(__AVX512F__)
  const Float estimate = reinterpret_cast<Float>(_mm512_rcp14_ps(reinterpret_cast<__m512>(b)));
  const Float r = MultiplyAdd(MultiplyAdd(-b, estimate, Splat(1.0f)), estimate, estimate);
  const Float q = a * r;
  return MultiplyAdd(MultiplyAdd(-b, q, a), r, q);
#else
  return a / b;
#endif
}

// The highest power first.
inline Float Polynomial(Float, Float sum) { return sum; }
template <typename... Rest>
inline Float Polynomial(Float x, Float sum, float next, Rest... rest) {
  return Polynomial(x, MultiplyAdd(sum, x, Splat(next)), rest...);
}

// v·2ⁿ; n is a whole number.
inline Float Scale(Float v, Float n) {
#if defined(__AVX512F__)
  return reinterpret_cast<Float>(_mm512_scalef_ps(reinterpret_cast<__m512>(v), reinterpret_cast<__m512>(n)));
#else
  // In two steps: 2ⁿ itself may be too large, or a denormal.
  const Int whole = __builtin_convertvector(n, Int), half = whole >> 1;
  return v * AsFloat((half + 127) << 23) * AsFloat((whole - half + 127) << 23);
#endif
}

// x = n·ln 2 + r
struct Reduced {
  Float n, r;
};

inline Reduced ReduceByLog2(Float x) {
  const Float magic = Splat(12582912.0f);  // adding 1.5·2²³ rounds to a whole number
  const Float n = MultiplyAdd(x, Splat(1.44269504088896341f), magic) - magic;
  return {n, MultiplyAdd(n, Splat(2.12194440e-4f), MultiplyAdd(n, Splat(-0.693359375f), x))};
}

// eʳ − 1 for |r| ≤ ln 2 / 2
inline Float ExpMinusOneOfReduced(Float r) {
  const Float p = Polynomial(r, Splat(1.9875691500e-4f), 1.3981999507e-3f, 8.3334519073e-3f, 4.1665795894e-2f, 1.6666665459e-1f,
                             5.0000001201e-1f);
  return MultiplyAdd(p, r * r, r);
}

// NaN stays.
inline Float Clamp(Float x, float low, float high) { return MinimumOf(Splat(high), MaximumOf(Splat(low), x)); }

// For x < 89.
inline Float ExpOfSmall(Float x) {
  const Reduced reduced = ReduceByLog2(MaximumOf(Splat(-104.0f), x));
  return Scale(1.0f + ExpMinusOneOfReduced(reduced.r), reduced.n);
}

inline Float Exp(Float x) {
  const Reduced reduced = ReduceByLog2(Clamp(x, -104.0f, 89.0f));
  return Scale(1.0f + ExpMinusOneOfReduced(reduced.r), reduced.n);
}

inline Float Expm1(Float x) {
  const Reduced reduced = ReduceByLog2(Clamp(x, -30.0f, 89.0f));
  const Float q = ExpMinusOneOfReduced(reduced.r);
  // Half of 2ⁿ, which alone may be too large.
  const Float half = Scale(Splat(0.5f), reduced.n);
  const Float result = MultiplyAdd(q, half, half - 0.5f) * 2.0f;
  return Select(x == 0.0f, x, result);  // −0
}

inline Float Log(Float x) {
  const Int small = x < 1.17549435e-38f;
  const Uint bits = reinterpret_cast<Uint>(Select(small, x * 8388608.0f, x));
  const Int e = reinterpret_cast<Int>(bits - 0x3f3504f3u) >> 23;  // of the power of 2 that brings x into [√½, √2)
  const Float f = reinterpret_cast<Float>(bits - (reinterpret_cast<Uint>(e) << 23)) - 1.0f;
  const Float n = __builtin_convertvector(e, Float) - Select(small, Splat(23.0f), Splat(0.0f));
  const Float z = f * f;
  Float y = Polynomial(f, Splat(7.0376836292e-2f), -1.1514610310e-1f, 1.1676998740e-1f, -1.2420140846e-1f, 1.4249322787e-1f,
                       -1.6668057665e-1f, 2.0000714765e-1f, -2.4999993993e-1f, 3.3333331174e-1f);
  y = MultiplyAdd(n, Splat(-2.12194440e-4f), y * f * z);
  y = f + MultiplyAdd(z, Splat(-0.5f), y);
  y = MultiplyAdd(n, Splat(0.693359375f), y);
  const Float infinity = Splat(__builtin_inff());
  y = Select(x == 0.0f, -infinity, Select(x < 0.0f, Splat(__builtin_nanf("")), y));
  return (x == infinity) | (x != x) ? x : y;
}

inline Float Log1p(Float x) {
  const Float u = 1.0f + x;
  const Float y = Log(u) + (x - (u - 1.0f)) / u;  // the second term is what u has lost
  const Int plain = (u == 0.0f) | (x == __builtin_inff());
  return Select(x == 0.0f, x, Select(plain, Log(u), y));
}

inline Float CopySign(Float magnitude, Float sign) {
  return AsFloat((AsInt(magnitude) & 0x7fffffff) | (AsInt(sign) & static_cast<int32_t>(0x80000000)));
}

inline Float Absolute(Float x) { return AsFloat(AsInt(x) & 0x7fffffff); }

inline Float Tanh(Float x) {
  // e^(−2|x|) − 1
  const Reduced reduced = ReduceByLog2(MaximumOf(Splat(-30.0f), Absolute(x) * -2.0f));
  const Float scale = Scale(Splat(1.0f), reduced.n);
  const Float e = MultiplyAdd(ExpMinusOneOfReduced(reduced.r), scale, scale - 1.0f);
  return CopySign(DivideNormal(e, e + 2.0f), x);
}

inline Float Erf(Float x) {
  const Float t = Absolute(x), s = x * x;
  Float small =
      Polynomial(s, Splat(-5.96761703e-4f), 4.99119423e-3f, -2.67681349e-2f, 1.12819925e-1f, -3.76125336e-1f, 1.28379166e-1f);
  small = MultiplyAdd(small, x, x);
  const Float clamped = Clamp(t, 0.0f, 4.0f);
  const Float square = clamped * clamped;
  Float large = MultiplyAdd(Splat(-1.72853470e-5f), clamped, Splat(3.83197126e-4f));
  large = MultiplyAdd(large, square, MultiplyAdd(Splat(-3.88396438e-3f), clamped, Splat(2.42546219e-2f)));
  large = Polynomial(clamped, large, -1.06777877e-1f, -6.34846687e-1f, -1.28717512e-1f);
  large = 1.0f - Exp(MultiplyAdd(large, clamped, -clamped));
  return Select(t > 0.927734375f, CopySign(large, x), small);
}

inline Float Sigmoid(Float x) {
  const Float e = ExpOfSmall(-Absolute(x));
  return DivideNormal(Select(x < 0.0f, e, Splat(1.0f)), 1.0f + e);
}

inline Float Softplus(Float x) {
  const Float rest = Log1p(ExpOfSmall(-Absolute(x)));
  return Select(x > 0.0f, x, Splat(0.0f)) + rest;
}

inline Float Rsqrt(Float x) { return 1.0f / SquareRoot(x); }

// The C library looks at bits, so denormal numbers are made zeros before it sees them.
inline Float WithoutDenormals(Float x) { return Select(Absolute(x) < __FLT_MIN__, CopySign(Splat(0.0f), x), x); }

inline Float Power(Float x, Float y) {
  x = WithoutDenormals(x);
  y = WithoutDenormals(y);
  for (int i = 0; i < kLanes; i++) x[i] = __builtin_powf(x[i], y[i]);
  return x;
}

// To a whole number: to the nearest (ties to even), down, up.
inline Float Round(Float x) {
  const Float magic = CopySign(Splat(8388608.0f), x);
  const Float rounded = CopySign((x + magic) - magic, x);
  return Select(Absolute(x) < 8388608.0f, rounded, x);
}
inline Float Floor(Float x) {
  const Float rounded = Round(x);
  return CopySign(Select(rounded > x, rounded - 1.0f, rounded), x);
}
inline Float Ceil(Float x) { return -Floor(-x); }

}  // namespace SIGLIP_ISA
}  // namespace siglip
