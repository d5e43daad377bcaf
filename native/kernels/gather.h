// Rows picked by index, and sums of rows by index.
#pragma once

#include "kernels/copy.h"

namespace siglip {
namespace SIGLIP_ISA {

// Rows by index; zeros where there is no such row.
inline void Gather(const View &table, const View &indices, const View &to, Threads &threads) {
  const int64_t rows = to.shape[0], columns = to.shape[1];
  const int64_t tasks = rows * columns < 16384 ? 1 : threads.count();
  const float zero = 0;
  View zeros = table;
  zeros.data = const_cast<float *>(&zero);
  ParallelFor(threads, tasks, [&](int64_t task, int) {
    for (int64_t row = rows * task / tasks; row < rows * (task + 1) / tasks; row++) {
      const int32_t index = static_cast<const int32_t *>(indices.data)[row * indices.strides[0]];
      const int64_t target = row * to.strides[0];
      if (index >= 0 && index < table.shape[0]) {
        CopyRun(table, index * table.strides[0], table.strides[1], to, target, to.strides[1], columns);
      } else {
        CopyRun(zeros, 0, 0, to, target, to.strides[1], columns);
      }
    }
  });
}

// Rows whose index is out of range are skipped, as in TensorFlow. Each thread has columns of its own.
inline void SegmentSum(const View &values, const View &segments, const View &to, Threads &threads) {
  const int64_t rows = values.shape[0], columns = values.shape[1], count = to.shape[0];
  const bool direct = to.dtype == DType::kFloat32 && to.strides[1] == 1;
  float *sums =
      direct ? static_cast<float *>(to.data) : static_cast<float *>(threads.Shared(static_cast<size_t>(count * columns) * 4 + 64));
  const int64_t pitch = direct ? to.strides[0] : columns;
  const int64_t tasks = (rows + count) * columns < 16384 ? 1 : threads.count();
  const int64_t share = (columns + tasks - 1) / tasks;
  ParallelFor(threads, tasks, [&](int64_t task, int) {
    const int64_t first = task * share, last = columns < first + share ? columns : first + share;
    if (first >= last) return;
    for (int64_t row = 0; row < count; row++) std::memset(sums + row * pitch + first, 0, static_cast<size_t>(last - first) * 4);
    constexpr int64_t kPart = 512;
    float part[kPart];
    for (int64_t row = 0; row < rows; row++) {
      const int32_t segment = static_cast<const int32_t *>(segments.data)[row * segments.strides[0]];
      if (segment < 0 || segment >= count) continue;
      for (int64_t start = first; start < last; start += kPart) {
        const int64_t n = last - start < kPart ? last - start : kPart;
        LoadRun(values.data, values.dtype, row * values.strides[0] + start * values.strides[1], values.strides[1], n, part);
        float *sum = sums + segment * pitch + start;
        for (int64_t i = 0; i < n; i++) sum[i] += part[i];
      }
    }
    if (direct) return;
    for (int64_t row = 0; row < count; row++)
      StoreRun(sums + row * pitch + first, last - first, to.data, to.dtype, row * to.strides[0] + first * to.strides[1],
               to.strides[1]);
  });
}

}  // namespace SIGLIP_ISA
}  // namespace siglip
