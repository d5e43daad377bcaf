// Runs of elements from memory to float32 and back.
#pragma once

#include "kernels/kernels.h"
#include "kernels/simd.h"

namespace siglip {
namespace SIGLIP_ISA {

inline float ElementAt(const void *data, DType dtype, int64_t index) {
  switch (dtype) {
    case DType::kFloat32: return static_cast<const float *>(data)[index];
    case DType::kBFloat16: return FromBf16(static_cast<const uint16_t *>(data)[index]);
    case DType::kInt32: return static_cast<float>(static_cast<const int32_t *>(data)[index]);
    default: return static_cast<const uint8_t *>(data)[index] != 0 ? 1.0f : 0.0f;
  }
}

// Towards 0; what doesn't fit becomes the smallest integer, as x86 processors convert.
inline int32_t ToInt(float v) { return v >= -2147483648.0f && v < 2147483648.0f ? static_cast<int32_t>(v) : INT32_MIN; }

inline void SetElement(void *data, DType dtype, int64_t index, float v) {
  switch (dtype) {
    case DType::kFloat32: static_cast<float *>(data)[index] = v; break;
    case DType::kBFloat16: static_cast<uint16_t *>(data)[index] = ToBf16(v); break;
    case DType::kInt32: static_cast<int32_t *>(data)[index] = ToInt(v); break;
    default: static_cast<uint8_t *>(data)[index] = v != 0.0f ? 1 : 0; break;
  }
}

// n elements from `index` on, `stride` apart.
inline void LoadRun(const void *data, DType dtype, int64_t index, int64_t stride, int64_t n, float *to) {
  int64_t i = 0;
  if (stride == 1 && dtype == DType::kFloat32) {
    std::memcpy(to, static_cast<const float *>(data) + index, static_cast<size_t>(n) * 4);
    return;
  }
  if (stride == 1 && dtype == DType::kBFloat16) {
    const uint16_t *from = static_cast<const uint16_t *>(data) + index;
    for (; i + kLanes <= n; i += kLanes) Store(to + i, FromBf16(LoadAs<Bf16>(from + i)));
  } else if (stride == 1 && dtype == DType::kInt32) {
    const int32_t *from = static_cast<const int32_t *>(data) + index;
    for (; i + kLanes <= n; i += kLanes) Store(to + i, __builtin_convertvector(LoadAs<Int>(from + i), Float));
  } else if (stride == 1) {
    const uint8_t *from = static_cast<const uint8_t *>(data) + index;
    for (; i + kLanes <= n; i += kLanes) {
      const Int values = __builtin_convertvector(LoadAs<Byte>(from + i), Int);
      Store(to + i, AsFloat((values != 0) & AsInt(Splat(1.0f))));
    }
  }
  for (; i < n; i++) to[i] = ElementAt(data, dtype, index + i * stride);
}

inline void StoreRun(const float *from, int64_t n, void *data, DType dtype, int64_t index, int64_t stride) {
  int64_t i = 0;
  if (stride == 1 && dtype == DType::kFloat32) {
    std::memcpy(static_cast<float *>(data) + index, from, static_cast<size_t>(n) * 4);
    return;
  }
  if (stride == 1 && dtype == DType::kBFloat16) {
    uint16_t *to = static_cast<uint16_t *>(data) + index;
    for (; i + kLanes <= n; i += kLanes) StoreAs(to + i, ToBf16(Load(from + i)));
  }
  for (; i < n; i++) SetElement(data, dtype, index + i * stride, from[i]);
}

}  // namespace SIGLIP_ISA
}  // namespace siglip
