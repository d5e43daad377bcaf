// Arrays of any type and strides in memory of exactly their size, so that a sanitizer sees each access beside it.
#pragma once

#include <cmath>
#include <cstring>
#include <vector>

#include "check.h"
#include "kernels/kernels.h"

namespace test {

using siglip::DType;
using siglip::View;

inline uint16_t RoundedToBf16(float v) {
  uint32_t bits;
  std::memcpy(&bits, &v, 4);
  if (v != v) return static_cast<uint16_t>(bits >> 16 | 0x40);
  return static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}
inline float FromBf16(uint16_t v) {
  const uint32_t bits = static_cast<uint32_t>(v) << 16;
  float result;
  std::memcpy(&result, &bits, 4);
  return result;
}
inline float AsBf16(float v) { return FromBf16(RoundedToBf16(v)); }

class Array {
 public:
  // Dimensions in the order `order` lie outermost to innermost; `gap` elements more lie between the innermost rows; those of
  // `repeated` have a stride of 0.
  Array(DType dtype, const std::vector<int64_t> &shape, const std::vector<int> &order, int64_t gap = 0,
        const std::vector<bool> &repeated = {}) {
    view_.dtype = dtype;
    view_.rank = static_cast<int32_t>(shape.size());
    int64_t step = 1;
    for (size_t i = order.size(); i-- > 0;) {
      const int d = order[i];
      const bool repeats = !repeated.empty() && repeated[static_cast<size_t>(d)];
      view_.shape[d] = shape[static_cast<size_t>(d)];
      view_.strides[d] = repeats ? 0 : step;
      if (!repeats) step *= view_.shape[d];
      if (i + 1 == order.size()) step += gap;
    }
    int64_t last = 0;
    bool empty = false;
    for (int d = 0; d < view_.rank; d++) {
      empty = empty || view_.shape[d] == 0;
      last += (view_.shape[d] - 1) * view_.strides[d];
    }
    memory_.resize(empty ? 0 : static_cast<size_t>(last + 1) * siglip::SizeOf(dtype));
    view_.data = memory_.data();
  }

  static Array Dense(DType dtype, const std::vector<int64_t> &shape, int64_t gap = 0) {
    std::vector<int> order;
    for (size_t d = 0; d < shape.size(); d++) order.push_back(static_cast<int>(d));
    return Array(dtype, shape, order, gap);
  }

  Array(const Array &other) : view_(other.view_), memory_(other.memory_) { view_.data = memory_.data(); }
  Array &operator=(const Array &) = delete;

  const View &view() const { return view_; }
  int64_t count() const {
    int64_t count = 1;
    for (int d = 0; d < view_.rank; d++) count *= view_.shape[d];
    return count;
  }
  // Where the element lies that is number `index` in the order of the shape.
  int64_t OffsetOf(int64_t index) const {
    int64_t offset = 0;
    for (int d = view_.rank - 1; d >= 0; d--) {
      offset += index % view_.shape[d] * view_.strides[d];
      index /= view_.shape[d];
    }
    return offset;
  }
  float operator[](int64_t index) const { return At(OffsetOf(index)); }
  void Set(int64_t index, float v) { Put(OffsetOf(index), v); }

  template <typename Make>
  void Fill(const Make &make) {
    for (int64_t i = 0; i < count(); i++) Set(i, make());
  }
  void FillRandom(Random &random) {
    switch (view_.dtype) {
      case DType::kInt32: return Fill([&] { return static_cast<float>(random.Int(-1000, 1000)); });
      case DType::kBool: return Fill([&] { return static_cast<float>(random.Int(0, 1)); });
      default: return Fill([&] { return random.Value(); });
    }
  }
  const std::vector<char> &bytes() const { return memory_; }
  // Bytes between and beside the elements keep what they are given here.
  void FillBytes(char value) { std::memset(memory_.data(), value, memory_.size()); }

 private:
  float At(int64_t offset) const {
    switch (view_.dtype) {
      case DType::kFloat32: return Element<float>(offset);
      case DType::kBFloat16: return FromBf16(Element<uint16_t>(offset));
      case DType::kInt32: return static_cast<float>(Element<int32_t>(offset));
      default: return Element<uint8_t>(offset) != 0 ? 1.0f : 0.0f;
    }
  }
  void Put(int64_t offset, float v) {
    switch (view_.dtype) {
      case DType::kFloat32: return Write(offset, v);
      case DType::kBFloat16: return Write(offset, RoundedToBf16(v));
      case DType::kInt32: return Write(offset, v >= -2147483648.0f && v < 2147483648.0f ? static_cast<int32_t>(v) : INT32_MIN);
      default: return Write(offset, static_cast<uint8_t>(v != 0 ? 1 : 0));
    }
  }
  template <typename T>
  T Element(int64_t offset) const {
    T value;
    std::memcpy(&value, memory_.data() + offset * static_cast<int64_t>(sizeof(T)), sizeof(T));
    return value;
  }
  template <typename T>
  void Write(int64_t offset, T value) {
    std::memcpy(memory_.data() + offset * static_cast<int64_t>(sizeof(T)), &value, sizeof(T));
  }

  View view_{};
  std::vector<char> memory_;
};

// Near what was expected, or both not a number.
inline bool Near(double found, double expected, double tolerance) {
  if (expected != expected || found != found) return expected != expected && found != found;
  return found == expected || std::fabs(found - expected) <= tolerance;
}

inline std::string Found(double found, double expected) {
  return "found " + std::to_string(found) + ", expected " + std::to_string(expected);
}

}  // namespace test
