// Copies from any strides to any strides, rows picked by number, and sums of rows by number.
#pragma once

#include "kernels/convert.h"

namespace siglip {
namespace SIGLIP_ISA {

struct CopyPlan {
  int32_t rank;
  int64_t shape[kMaxRank];
  int64_t from[kMaxRank], to[kMaxRank];   // strides
};

// Drops dimensions of 1, puts those that are far apart in `to` first, and merges neighbours.
inline CopyPlan PlanCopy(const View &from, const View &to) {
  CopyPlan sorted{};
  for (int32_t i = 0; i < from.rank; i++) {
    if (from.shape[i] == 1) continue;
    int32_t at = sorted.rank++;
    for (; at > 0 && sorted.to[at - 1] < to.strides[i]; at--) {
      sorted.shape[at] = sorted.shape[at - 1];
      sorted.from[at] = sorted.from[at - 1];
      sorted.to[at] = sorted.to[at - 1];
    }
    sorted.shape[at] = from.shape[i];
    sorted.from[at] = from.strides[i];
    sorted.to[at] = to.strides[i];
  }
  CopyPlan plan{};
  for (int32_t i = 0; i < sorted.rank; i++) {
    const int32_t last = plan.rank - 1;
    const bool merges = last >= 0 && plan.from[last] == sorted.from[i] * sorted.shape[i] &&
                        plan.to[last] == sorted.to[i] * sorted.shape[i];
    const int32_t at = merges ? last : plan.rank++;
    plan.shape[at] = merges ? plan.shape[at] * sorted.shape[i] : sorted.shape[i];
    plan.from[at] = sorted.from[i];
    plan.to[at] = sorted.to[i];
  }
  if (plan.rank == 0) plan.shape[plan.rank++] = 1;
  return plan;
}

template <typename Element>
void CopyElements(const Element *from, int64_t from_stride, Element *to, int64_t to_stride, int64_t n) {
  if (from_stride == 1 && to_stride == 1) {
    std::memcpy(to, from, static_cast<size_t>(n) * sizeof(Element));
  } else if (from_stride == 0 && to_stride == 1) {
    for (int64_t i = 0; i < n; i++) to[i] = *from;
  } else {
    for (int64_t i = 0; i < n; i++) to[i * to_stride] = from[i * from_stride];
  }
}

// n elements; the strides and indices count elements.
inline void CopyRun(const View &from, int64_t from_index, int64_t from_stride, const View &to, int64_t to_index,
                    int64_t to_stride, int64_t n) {
  if (from.dtype == to.dtype) {
    const size_t size = SizeOf(from.dtype);
    const char *source = static_cast<const char *>(from.data) + from_index * static_cast<int64_t>(size);
    char *target = static_cast<char *>(to.data) + to_index * static_cast<int64_t>(size);
    if (size == 4) {
      CopyElements(reinterpret_cast<const uint32_t *>(source), from_stride, reinterpret_cast<uint32_t *>(target), to_stride, n);
    } else if (size == 2) {
      CopyElements(reinterpret_cast<const uint16_t *>(source), from_stride, reinterpret_cast<uint16_t *>(target), to_stride, n);
    } else {
      CopyElements(reinterpret_cast<const uint8_t *>(source), from_stride, reinterpret_cast<uint8_t *>(target), to_stride, n);
    }
    return;
  }
  constexpr int64_t kPart = 512;
  float part[kPart];
  for (int64_t i = 0; i < n; i += kPart) {
    const int64_t count = n - i < kPart ? n - i : kPart;
    LoadRun(from.data, from.dtype, from_index + i * from_stride, from_stride, count, part);
    StoreRun(part, count, to.data, to.dtype, to_index + i * to_stride, to_stride);
  }
}

// A few vectors' worth of bytes.
inline void CopyShort(const char *from, char *to, int64_t bytes) {
  int64_t i = 0;
  for (; i + 4 * kLanes <= bytes; i += 4 * kLanes) StoreAs(to + i, LoadAs<Float>(from + i));
  for (; i + 4 <= bytes; i += 4) std::memcpy(to + i, from + i, 4);
  for (; i < bytes; i++) to[i] = from[i];
}

inline void RoundShort(const float *from, uint16_t *to, int64_t n) {
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) StoreAs(to + i, ToHalf(Load(from + i)));
  for (; i < n; i++) to[i] = ToHalf(from[i]);
}

constexpr int64_t kCopyBlock = 32;

// A block of a transposition: the rows of `to` run along `inner`, those of `from` along `across`.
template <typename Element>
void CopyBlock(const Element *from, int64_t from_inner, Element *to, int64_t to_across, int64_t inner, int64_t across) {
  for (int64_t i = 0; i < across; i++)
    for (int64_t j = 0; j < inner; j++) to[i * to_across + j] = from[j * from_inner + i];
}

inline void TransposeBlock(const View &from, int64_t from_index, int64_t from_inner, const View &to, int64_t to_index,
                           int64_t to_across, int64_t inner, int64_t across) {
  const size_t size = SizeOf(from.dtype);
  if (from.dtype != to.dtype) {
    float lines[kCopyBlock][kCopyBlock], columns[kCopyBlock][kCopyBlock];
    for (int64_t j = 0; j < inner; j++) LoadRun(from.data, from.dtype, from_index + j * from_inner, 1, across, lines[j]);
    CopyBlock(lines[0], kCopyBlock, columns[0], kCopyBlock, inner, across);
    for (int64_t i = 0; i < across; i++) StoreRun(columns[i], inner, to.data, to.dtype, to_index + i * to_across, 1);
  } else if (size == 4) {
    CopyBlock(static_cast<const uint32_t *>(from.data) + from_index, from_inner, static_cast<uint32_t *>(to.data) + to_index,
              to_across, inner, across);
  } else if (size == 2) {
    CopyBlock(static_cast<const uint16_t *>(from.data) + from_index, from_inner, static_cast<uint16_t *>(to.data) + to_index,
              to_across, inner, across);
  } else {
    CopyBlock(static_cast<const uint8_t *>(from.data) + from_index, from_inner, static_cast<uint8_t *>(to.data) + to_index,
              to_across, inner, across);
  }
}

inline void Copy(const View &from, const View &to, Threads &threads) {
  const CopyPlan plan = PlanCopy(from, to);
  const int32_t inner = plan.rank - 1;
  // The dimension along which `from` is contiguous, if that isn't the one of `to`.
  int32_t across = -1;
  if (plan.to[inner] == 1 && plan.from[inner] > 1)
    for (int32_t d = 0; d < inner; d++)
      if (plan.from[d] == 1) across = d;
  const int64_t size = static_cast<int64_t>(SizeOf(from.dtype));
  const int64_t to_size = static_cast<int64_t>(SizeOf(to.dtype));
  const bool rounds = from.dtype == DType::kFloat32 && to.dtype == DType::kBFloat16;
  const bool short_runs = (from.dtype == to.dtype || rounds) && inner > 0 && plan.from[inner] == 1 && plan.to[inner] == 1 &&
                          plan.shape[inner] * size <= 1024 && plan.shape[inner - 1] <= 4096;
  int64_t units = 1, count[kMaxRank], step[kMaxRank];
  for (int32_t d = 0; d < plan.rank; d++) {
    // Long runs are cut into pieces, so that all threads have some.
    step[d] = d == inner ? (across >= 0 ? kCopyBlock : 16384) : d == across ? kCopyBlock : 1;
    if (short_runs && d == inner - 1) step[d] = plan.shape[d];
    count[d] = (plan.shape[d] + step[d] - 1) / step[d];
    units *= count[d];
  }
  int64_t elements = 1;
  for (int32_t d = 0; d < plan.rank; d++) elements *= plan.shape[d];
  const int64_t tasks = elements < 16384 ? 1 : threads.count();
  ParallelFor(threads, tasks, [&](int64_t task, int) {
    const int64_t first = units * task / tasks, last = units * (task + 1) / tasks;
    int64_t index[kMaxRank];
    int64_t unit = first;
    for (int32_t d = inner; d >= 0; d--) {
      index[d] = count[d] > 0 ? unit % count[d] : 0;
      unit = count[d] > 0 ? unit / count[d] : 0;
    }
    for (unit = first; unit < last; unit++) {
      int64_t from_index = 0, to_index = 0;
      for (int32_t d = 0; d < plan.rank; d++) {
        from_index += index[d] * step[d] * plan.from[d];
        to_index += index[d] * step[d] * plan.to[d];
      }
      const int64_t rest = plan.shape[inner] - index[inner] * step[inner];
      const int64_t n = rest < step[inner] ? rest : step[inner];
      if (short_runs) {
        // The loop over the last dimension but one is here, where it costs little.
        const char *source = static_cast<const char *>(from.data) + from_index * size;
        char *target = static_cast<char *>(to.data) + to_index * to_size;
        for (int64_t i = 0; i < plan.shape[inner - 1]; i++) {
          if (rounds) RoundShort(reinterpret_cast<const float *>(source), reinterpret_cast<uint16_t *>(target), n);
          else CopyShort(source, target, n * size);
          source += plan.from[inner - 1] * size;
          target += plan.to[inner - 1] * to_size;
        }
      } else if (across < 0) {
        CopyRun(from, from_index, plan.from[inner], to, to_index, plan.to[inner], n);
      } else {
        const int64_t rows = plan.shape[across] - index[across] * kCopyBlock;
        const int64_t m = rows < kCopyBlock ? rows : kCopyBlock;
        TransposeBlock(from, from_index, plan.from[inner], to, to_index, plan.to[across], n, m);
      }
      for (int32_t d = inner; d >= 0; d--) {
        if (++index[d] < count[d]) break;
        index[d] = 0;
      }
    }
  });
}

// Rows by number; where there is no such row, zeros.
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

// Rows whose number is out of range are left out, as in TensorFlow. Each thread has columns of its own.
inline void SegmentSum(const View &values, const View &segments, const View &to, Threads &threads) {
  const int64_t rows = values.shape[0], columns = values.shape[1], count = to.shape[0];
  const bool direct = to.dtype == DType::kFloat32 && to.strides[1] == 1;
  float *sums = direct ? static_cast<float *>(to.data)
                       : static_cast<float *>(threads.Shared(static_cast<size_t>(count * columns) * 4 + 64));
  const int64_t pitch = direct ? to.strides[0] : columns;
  const int64_t tasks = (rows + count) * columns < 16384 ? 1 : threads.count();
  const int64_t share = (columns + tasks - 1) / tasks;
  ParallelFor(threads, tasks, [&](int64_t task, int) {
    const int64_t first = task * share, last = columns < first + share ? columns : first + share;
    if (first >= last) return;
    for (int64_t row = 0; row < count; row++)
      std::memset(sums + row * pitch + first, 0, static_cast<size_t>(last - first) * 4);
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
