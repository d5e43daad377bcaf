// Copies from any strides to any strides, converting the type.
#pragma once

#include "kernels/convert.h"

namespace siglip {
namespace SIGLIP_ISA {

struct CopyPlan {
  int32_t rank;
  int64_t shape[kMaxRank];
  int64_t from[kMaxRank], to[kMaxRank];  // strides
};

// Drops dimensions of 1, sorts by the strides of `to`, and merges neighbours.
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
    const bool merges =
        last >= 0 && plan.from[last] == sorted.from[i] * sorted.shape[i] && plan.to[last] == sorted.to[i] * sorted.shape[i];
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
inline void CopyRun(const View &from, int64_t from_index, int64_t from_stride, const View &to, int64_t to_index, int64_t to_stride,
                    int64_t n) {
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

// A few vectors of bytes.
inline void CopyShort(const char *from, char *to, int64_t bytes) {
  int64_t i = 0;
  for (; i + 4 * kLanes <= bytes; i += 4 * kLanes) StoreAs(to + i, LoadAs<Float>(from + i));
  for (; i + 4 <= bytes; i += 4) std::memcpy(to + i, from + i, 4);
  for (; i < bytes; i++) to[i] = from[i];
}

inline void RoundShort(const float *from, uint16_t *to, int64_t n) {
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) StoreAs(to + i, ToBf16(Load(from + i)));
  for (; i < n; i++) to[i] = ToBf16(from[i]);
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

// How a copy is cut into units, and what is done in each.
struct CopyLoop {
  CopyPlan plan;
  int32_t inner, across;    // across: the dimension along which `from` is contiguous, if that isn't `to`'s; or −1
  bool rounds, short_runs;  // float32 to bfloat16; a unit is a loop over the last dimension but one
  int64_t units, elements;
  int64_t count[kMaxRank], step[kMaxRank];  // units along each dimension, and elements in a unit
};

inline CopyLoop CutCopy(const View &from, const View &to) {
  CopyLoop loop{};
  loop.plan = PlanCopy(from, to);
  const CopyPlan &plan = loop.plan;
  const int32_t inner = loop.inner = plan.rank - 1;
  loop.across = -1;
  if (plan.to[inner] == 1 && plan.from[inner] > 1)
    for (int32_t d = 0; d < inner; d++)
      if (plan.from[d] == 1) loop.across = d;
  const int64_t size = static_cast<int64_t>(SizeOf(from.dtype));
  loop.rounds = from.dtype == DType::kFloat32 && to.dtype == DType::kBFloat16;
  loop.short_runs = (from.dtype == to.dtype || loop.rounds) && inner > 0 && plan.from[inner] == 1 && plan.to[inner] == 1 &&
                    plan.shape[inner] * size <= 1024 && plan.shape[inner - 1] <= 4096;
  loop.units = loop.elements = 1;
  for (int32_t d = 0; d < plan.rank; d++) {
    // Long runs are cut into pieces, so that all threads have some.
    loop.step[d] = d == inner ? (loop.across >= 0 ? kCopyBlock : 16384) : d == loop.across ? kCopyBlock : 1;
    if (loop.short_runs && d == inner - 1) loop.step[d] = plan.shape[d];
    loop.count[d] = (plan.shape[d] + loop.step[d] - 1) / loop.step[d];
    loop.units *= loop.count[d];
    loop.elements *= plan.shape[d];
  }
  return loop;
}

inline void CopyUnit(const CopyLoop &loop, const int64_t *index, const View &from, const View &to) {
  const CopyPlan &plan = loop.plan;
  const int32_t inner = loop.inner, across = loop.across;
  int64_t from_index = 0, to_index = 0;
  for (int32_t d = 0; d < plan.rank; d++) {
    from_index += index[d] * loop.step[d] * plan.from[d];
    to_index += index[d] * loop.step[d] * plan.to[d];
  }
  const int64_t rest = plan.shape[inner] - index[inner] * loop.step[inner];
  const int64_t n = rest < loop.step[inner] ? rest : loop.step[inner];
  if (loop.short_runs) {
    const int64_t size = static_cast<int64_t>(SizeOf(from.dtype)), to_size = static_cast<int64_t>(SizeOf(to.dtype));
    const char *source = static_cast<const char *>(from.data) + from_index * size;
    char *target = static_cast<char *>(to.data) + to_index * to_size;
    for (int64_t i = 0; i < plan.shape[inner - 1]; i++) {
      if (loop.rounds) RoundShort(reinterpret_cast<const float *>(source), reinterpret_cast<uint16_t *>(target), n);
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
}

inline void Copy(const View &from, const View &to, Threads &threads) {
  const CopyLoop loop = CutCopy(from, to);
  const int64_t tasks = loop.elements < 16384 ? 1 : threads.count();
  ParallelFor(threads, tasks, [&](int64_t task, int) {
    const int64_t first = loop.units * task / tasks, last = loop.units * (task + 1) / tasks;
    int64_t index[kMaxRank];
    int64_t unit = first;
    for (int32_t d = loop.inner; d >= 0; d--) {
      index[d] = loop.count[d] > 0 ? unit % loop.count[d] : 0;
      unit = loop.count[d] > 0 ? unit / loop.count[d] : 0;
    }
    for (unit = first; unit < last; unit++) {
      CopyUnit(loop, index, from, to);
      for (int32_t d = loop.inner; d >= 0; d--) {
        if (++index[d] < loop.count[d]) break;
        index[d] = 0;
      }
    }
  });
}

}  // namespace SIGLIP_ISA
}  // namespace siglip
