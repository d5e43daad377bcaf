// What happens to a block of sums: activation(alpha · sum + bias) + residual, stored as c's type.
#pragma once

#include "product-lines.h"
#include "simd-math.h"

namespace siglip {
namespace SIGLIP_ISA {

template <Activation kActivation>
inline Float Activate(Float x) {
  switch (kActivation) {
    case Activation::kGeluTanh: {
      // x·(1 + tanh u) / 2 = x / (1 + exp(−2u)), u = √(2/π)·(x + 0.044715·x³)
      const Float u = x * MultiplyAdd(x * x, Splat(-2.0f * 0.7978845608f * 0.044715f), Splat(-2.0f * 0.7978845608f));
      return x / (1.0f + Exp(u));
    }
    case Activation::kGelu: return 0.5f * x * (1.0f + Erf(x * 0.70710678f));
    case Activation::kRelu: return Select(x < 0.0f, Float{}, x);  // NaN stays
    case Activation::kSilu: return x / (1.0f + Exp(-x));
    case Activation::kQuickGelu: return x / (1.0f + Exp(x * -1.702f));
    default: return x;
  }
}

// One matrix of the batch.
struct Finish {
  char *c, *residual;  // residual: or null
  DType c_type, residual_type;
  int64_t c_stride, residual_stride, residual_step;  // from row to row; along a row
  const float *bias;                                 // or null
  int64_t bias_step;
  float alpha;
  Activation activation;

  static Float LoadAny(const char *from, DType dtype, int64_t n) {
    return dtype == DType::kBFloat16 ? LoadNeighbours<DType::kBFloat16, false>(from, n)
                                     : LoadNeighbours<DType::kFloat32, false>(from, n);
  }
  static Float LoadRepeating(const char *from, DType dtype, int64_t step, int64_t n) {
    if (step == 1) return LoadAny(from, dtype, n);
    Float v = {};
    const int64_t size = static_cast<int64_t>(SizeOf(dtype));
    for (int64_t i = 0; i < kLanes && i < n; i++) v[i] = LoadAny(from + i * step * size, dtype, 1)[0];
    return v;
  }
  static void StoreAny(char *to, DType dtype, int64_t n, Float v) {
    if (dtype == DType::kFloat32) {
      StoreNeighbours(reinterpret_cast<float *>(to), n, v);
    } else {
      const Half half = ToHalf(v);
      std::memcpy(to, &half, n >= kLanes ? sizeof half : static_cast<size_t>(n) * 2);
    }
  }

  template <Activation kActivation>
  void Rows(const float *sums, int64_t sums_stride, int64_t row, int64_t rows, int64_t column, int64_t columns) const {
    const int64_t c_size = static_cast<int64_t>(SizeOf(c_type)), residual_size = static_cast<int64_t>(SizeOf(residual_type));
    for (int64_t i = 0; i < rows; i++, sums += sums_stride) {
      char *to = c + ((row + i) * c_stride + column) * c_size;
      const char *from = residual + ((row + i) * residual_stride + column * residual_step) * residual_size;
      for (int64_t j = 0; j < columns; j += kLanes) {
        const int64_t rest = columns - j;
        Float v = Load(sums + j) * alpha;
        if (bias != nullptr) v += LoadRepeating(reinterpret_cast<const char *>(bias + (column + j) * bias_step), DType::kFloat32, bias_step, rest);
        v = Activate<kActivation>(v);
        if (residual != nullptr) {
          v += LoadRepeating(from + j * residual_step * residual_size, residual_type, residual_step, rest);
        }
        StoreAny(to + j * c_size, c_type, rest, v);
      }
    }
  }

  void operator()(const float *sums, int64_t sums_stride, int64_t row, int64_t rows, int64_t column, int64_t columns) const {
    switch (activation) {
      case Activation::kGeluTanh: return Rows<Activation::kGeluTanh>(sums, sums_stride, row, rows, column, columns);
      case Activation::kGelu: return Rows<Activation::kGelu>(sums, sums_stride, row, rows, column, columns);
      case Activation::kRelu: return Rows<Activation::kRelu>(sums, sums_stride, row, rows, column, columns);
      case Activation::kSilu: return Rows<Activation::kSilu>(sums, sums_stride, row, rows, column, columns);
      case Activation::kQuickGelu: return Rows<Activation::kQuickGelu>(sums, sums_stride, row, rows, column, columns);
      default: return Rows<Activation::kNone>(sums, sums_stride, row, rows, column, columns);
    }
  }
};

}  // namespace SIGLIP_ISA
}  // namespace siglip
