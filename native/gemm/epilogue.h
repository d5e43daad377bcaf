// The epilogue of a tile of sums: activation(alpha · sum + bias) + residual, stored as c's type.
#pragma once

#include "gemm/pack.h"
#include "kernels/simd-math.h"

namespace siglip {
namespace SIGLIP_ISA {

// Each rounds as the elementwise operations do that it is expanded to: fused or not, a value has the same bits.
template <Activation kActivation>
inline Float Activate(Float x) {
  switch (kActivation) {
    case Activation::kGeluTanh: {
      // x·(1 + tanh u) / 2 = x·sigmoid(2u), u = √(2/π)·(x + 0.044715·x³)
      constexpr double kTwice = 2 * 0.7978845608028654;
      return x * Sigmoid(x * (static_cast<float>(kTwice) + static_cast<float>(kTwice * 0.044715) * (x * x)));
    }
    case Activation::kGelu: return 0.5f * x * (1.0f + Erf(x * 0.70710678f));
    case Activation::kRelu: return Select(x <= 0.0f, Float{}, x);  // NaN stays
    case Activation::kSilu: return x * Sigmoid(x);
    case Activation::kQuickGelu: return x * Sigmoid(x * 1.702f);
    case Activation::kNone: return x;
  }
}

// `step` apart; the first n.
template <DType kType>
__attribute__((noinline)) Float LoadApart(const char *from, int64_t step, int64_t n) {
  Float v = {};
  for (int64_t i = 0; i < kLanes && i < n; i++) {
    v[i] = LoadNeighbours<kType, false>(from + i * step * static_cast<int64_t>(SizeOf(kType)), 1)[0];
  }
  return v;
}

// Of one matrix of the batch.
struct Epilogue {
  char *c, *residual;                                // residual: or null
  int64_t c_stride, residual_stride, residual_step;  // from row to row; along a row
  const float *bias;                                 // or null
  int64_t bias_step;
  float alpha;
  int64_t ahead;  // elements from a row to that of the next tile, which is prefetched; after a panel's last tile that may be
                  // outside of c
  void (*rows)(const Epilogue &, const float *, int64_t, int64_t, int64_t, int64_t, int64_t);

  // `rows` rows of sums, `stride` apart, which belong at (row, column) of c.
  void operator()(const float *sums, int64_t stride, int64_t row, int64_t count, int64_t column, int64_t columns) const {
    rows(*this, sums, stride, row, count, column, columns);
  }
};

enum class Residual { kNone, kFloat32, kBFloat16 };

// `rows` rows of kVectors whole vectors, or of the first n elements of one.
template <Activation kActivation, DType kC, Residual kResidual, int kVectors>
inline __attribute__((always_inline)) void EpilogueVectors(const Epilogue &epilogue, const float *sums, int64_t stride, int64_t row,
                                                           int64_t rows, int64_t column, int64_t n) {
  constexpr DType kType = kResidual == Residual::kBFloat16 ? DType::kBFloat16 : DType::kFloat32;
  constexpr int64_t kSize = kC == DType::kBFloat16 ? 2 : 4, kResidualSize = kType == DType::kBFloat16 ? 2 : 4;
  Float bias[kVectors] = {};
  if (epilogue.bias != nullptr) {
    for (int j = 0; j < kVectors; j++) {
      const char *from = reinterpret_cast<const char *>(epilogue.bias + (column + j * kLanes) * epilogue.bias_step);
      bias[j] = epilogue.bias_step == 1 ? LoadNeighbours<DType::kFloat32, false>(from, n)
                                        : LoadApart<DType::kFloat32>(from, epilogue.bias_step, n);
    }
  }
  const Float alpha = epilogue.alpha - Float{};
  const int64_t step = epilogue.residual_step, c_row = epilogue.c_stride * kSize;
  char *to = epilogue.c + row * c_row + column * kSize;
  const char *from = epilogue.residual + (row * epilogue.residual_stride + column * step) * kResidualSize;
  for (int64_t i = 0; i < rows; i++, sums += stride, to += c_row) {
    for (int64_t at = 0; at < kVectors * kLanes * kSize; at += 64) __builtin_prefetch(to + epilogue.ahead * kSize + at, 1, 2);
    for (int j = 0; j < kVectors; j++) {
      Float v = Activate<kActivation>(Load(sums + j * kLanes) * alpha + bias[j]);
      if (kResidual != Residual::kNone) {
        const char *own = from + (i * epilogue.residual_stride + j * kLanes * step) * kResidualSize;
        v += step == 1 ? LoadNeighbours<kType, false>(own, n) : LoadApart<kType>(own, step, n);
      }
      char *place = to + j * kLanes * kSize;
      if (kC == DType::kFloat32) {
        StoreNeighbours(reinterpret_cast<float *>(place), n, v);
      } else {
        const Bf16 narrow = ToBf16(v);
        std::memcpy(place, &narrow, n >= kLanes ? sizeof narrow : static_cast<size_t>(n) * 2);
      }
    }
  }
}

template <Activation kActivation, DType kC, Residual kResidual>
void EpilogueRows(const Epilogue &epilogue, const float *sums, int64_t stride, int64_t row, int64_t rows, int64_t column,
                  int64_t columns) {
  int64_t j = 0;
  for (; j + 2 * kLanes <= columns; j += 2 * kLanes) {
    EpilogueVectors<kActivation, kC, kResidual, 2>(epilogue, sums + j, stride, row, rows, column + j, kLanes);
  }
  for (; j < columns; j += kLanes) {
    const int64_t n = columns - j < kLanes ? columns - j : kLanes;
    EpilogueVectors<kActivation, kC, kResidual, 1>(epilogue, sums + j, stride, row, rows, column + j, n);
  }
}

template <Activation kActivation, DType kC>
auto EpilogueWithResidual(const View *residual) {
  if (residual == nullptr) return EpilogueRows<kActivation, kC, Residual::kNone>;
  return residual->dtype == DType::kBFloat16 ? EpilogueRows<kActivation, kC, Residual::kBFloat16>
                                             : EpilogueRows<kActivation, kC, Residual::kFloat32>;
}

template <DType kC>
auto EpilogueWithActivation(Activation activation, const View *residual) {
  switch (activation) {
    case Activation::kNone: return EpilogueWithResidual<Activation::kNone, kC>(residual);
    case Activation::kGeluTanh: return EpilogueWithResidual<Activation::kGeluTanh, kC>(residual);
    case Activation::kGelu: return EpilogueWithResidual<Activation::kGelu, kC>(residual);
    case Activation::kRelu: return EpilogueWithResidual<Activation::kRelu, kC>(residual);
    case Activation::kSilu: return EpilogueWithResidual<Activation::kSilu, kC>(residual);
    case Activation::kQuickGelu: return EpilogueWithResidual<Activation::kQuickGelu, kC>(residual);
  }
}

}  // namespace SIGLIP_ISA
}  // namespace siglip
