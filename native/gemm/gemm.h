// c = activation(alpha · a·b + bias) + residual, for all sizes, strides and instruction sets.
#pragma once

#include "gemm/macrokernel.h"
#include "gemm/microkernel-simd.h"
#if defined(__AMX_BF16__) && defined(__AVX512BF16__)
#include "gemm/microkernel-amx.h"
#endif

namespace siglip {
namespace SIGLIP_ISA {

#if defined(__AMX_BF16__) && defined(__AVX512BF16__)
using BFloat16Blocks = TileBlocks;
constexpr bool kPacksWeights = true;
#else
using BFloat16Blocks = FloatBlocks<true>;
constexpr bool kPacksWeights = false;  // they would be as large as float32
#endif

// Elements from the start of `view` to that of the batch's matrix; dimensions that it lacks or has once repeat.
inline int64_t BatchOffset(const View &view, const View &c, int64_t index) {
  int64_t offset = 0;
  for (int32_t i = c.rank - 3; i >= 0; i--) {
    const int32_t own = i - (c.rank - view.rank);
    if (own >= 0 && view.shape[own] > 1) offset += index % c.shape[i] * view.strides[own];
    index /= c.shape[i];
  }
  return offset;
}

inline char *At(const View &view, int64_t offset) {
  return static_cast<char *>(view.data) + offset * static_cast<int64_t>(SizeOf(view.dtype));
}

inline Lines RowsOf(const View &view, int64_t offset) {
  const int32_t row = view.rank - 2, column = view.rank - 1;
  return {At(view, offset), view.dtype, view.shape[row], view.shape[column], view.strides[row], view.strides[column]};
}

inline Lines ColumnsOf(const View &view, int64_t offset) {
  const int32_t row = view.rank - 2, column = view.rank - 1;
  return {At(view, offset), view.dtype, view.shape[column], view.shape[row], view.strides[column], view.strides[row]};
}

inline int64_t StrideOf(const View &view, int32_t dimension) {
  return view.shape[dimension] > 1 ? view.strides[dimension] : 0;
}

template <typename Blocks>
Finish FinishOf(const Product &product, const ProductPlan &plan, int64_t index) {
  const View &c = product.c;
  Finish finish{};
  finish.c = At(c, BatchOffset(c, c, index));
  finish.c_stride = c.strides[c.rank - 2];
  if (product.residual != nullptr) {
    const View &residual = *product.residual;
    finish.residual = At(residual, BatchOffset(residual, c, index));
    finish.residual_stride = residual.rank > 1 ? StrideOf(residual, residual.rank - 2) : 0;
    finish.residual_step = StrideOf(residual, residual.rank - 1);
  }
  if (product.bias != nullptr) {
    finish.bias = static_cast<const float *>(product.bias->data);
    finish.bias_step = StrideOf(*product.bias, product.bias->rank - 1);
  }
  finish.alpha = product.alpha;
  finish.ahead = plan.rows_reside ? Blocks::kRows * finish.c_stride : Blocks::kColumns;
  const auto choose =
      c.dtype == DType::kBFloat16 ? FinishWithActivation<DType::kBFloat16> : FinishWithActivation<DType::kFloat32>;
  finish.rows = choose(product.activation, product.residual);
  return finish;
}

// One operand is small: all of its panels are packed at first and reside in the caches. Those of the other are packed and multiplied
// by whoever claims them, so that a thread that is held up leaves more of them to the others.
template <typename Blocks>
void MultiplyClaimed(const Product &product, const ProductPlan &plan, Threads &threads) {
  using Element = typename Blocks::Element;
  constexpr int64_t kSize = sizeof(Element), kSums = Blocks::kRows * Blocks::kColumns;
  const bool rows_reside = plan.rows_reside;
  const Lines rows = RowsOf(product.a, 0), columns = ColumnsOf(product.b, 0);
  const Lines &resident_lines = rows_reside ? rows : columns, &passing_lines = rows_reside ? columns : rows;
  const int64_t residents = plan.residents(), passing_panels = plan.passing();
  const int64_t resident_width = WidthOf<Blocks>(rows_reside), passing_width = WidthOf<Blocks>(!rows_reside);
  const int64_t step = resident_width * plan.depth, passing_bytes = passing_width * plan.depth * kSize;
  Element *resident = static_cast<Element *>(threads.Shared(static_cast<size_t>(residents * step * kSize)));
  PackAll(1, residents, step, resident, threads, [&](int64_t, int64_t panel, int64_t count, Element *to) {
    PackPanels<Blocks>(rows_reside, resident_lines, panel, count, 0, plan.depth, to, step);
  });

  const Finish finish = FinishOf<Blocks>(product, plan, 0);
  const int64_t panel_sums = residents * kSums;
  const int64_t slices = CeilDivide(plan.depth, plan.slice), sums_at = RoundUp(passing_bytes, 64);
  const int64_t bytes = sums_at + 2 * panel_sums * 4;  // the sums of a panel and of the one before
  // Neighbours that are small are claimed together: their lines come from memory one after the other.
  const int64_t at_once = AtLeast(1, AtMost(kClaimedAtOnce / passing_bytes, passing_panels / (8 * threads.count())));
  int64_t unclaimed = 0;
  ParallelFor(threads, threads.count(), [&](int64_t, int thread) {
    int64_t claimed = 0, claimed_end = 0;
    const auto claim = [&] {
      if (claimed == claimed_end) {
        claimed = __atomic_fetch_add(&unclaimed, at_once, __ATOMIC_RELAXED);
        claimed_end = claimed + at_once;
      }
      return claimed++;
    };
    char *scratch = static_cast<char *>(threads.Scratch(thread, static_cast<size_t>(bytes)));
    Element *passing = reinterpret_cast<Element *>(scratch);
    float *sums = reinterpret_cast<float *>(scratch + sums_at), *sums_before = sums + panel_sums;
    BlockMeanwhile<Blocks> meanwhile{finish, plan};
    Blocks::Begin();
    for (int64_t j = claim(), next; j < passing_panels; j = next) {
      next = claim();
      PackPanels<Blocks>(!rows_reside, passing_lines, j, 1, 0, plan.depth, passing, 0);
      for (int64_t start = 0; start < plan.depth; start += plan.slice) {
        if (start == 0 && next < passing_panels) {
          meanwhile.PlanFetch(passing_lines, next, 0, plan.depth, residents * slices);
        }
        MultiplySlice(resident + start * resident_width, 0, residents, step, passing + start * passing_width, j, start,
                      AtMost(plan.slice, plan.depth - start), sums, meanwhile);
      }
      meanwhile.PlanFinish(sums, residents, 0, j, slices);
      float *const used = sums;
      sums = sums_before, sums_before = used;
    }
    meanwhile.FinishRows(residents * Blocks::kRows);
    Blocks::End();
  });
}

template <typename Blocks>
void MultiplyMatrices(const Product &product, Threads &threads) {
  using Element = typename Blocks::Element;
  constexpr int64_t kSize = sizeof(Element), kSums = Blocks::kRows * Blocks::kColumns;
  const View &a = product.a, &b = product.b, &c = product.c;
  const int64_t m = c.shape[c.rank - 2], n = c.shape[c.rank - 1], k = a.shape[a.rank - 1];
  int64_t batch = 1;
  for (int32_t i = 0; i < c.rank - 2; i++) batch *= c.shape[i];
  if (m * n * batch == 0) return;
  const Layout row_layout{a.strides[a.rank - 1] == 1, a.strides[a.rank - 2] == 1};
  const Layout column_layout{b.strides[b.rank - 2] == 1, b.strides[b.rank - 1] == 1};
  const ProductPlan plan =
      PlanProduct<Blocks>(m, n, k, batch, product.packed != nullptr, row_layout, column_layout, threads.count());
  if (plan.claimed) return MultiplyClaimed<Blocks>(product, plan, threads);
  const bool rows_reside = plan.rows_reside;
  const auto lines = [&](bool rows, int64_t index) {
    return rows ? RowsOf(a, BatchOffset(a, c, index)) : ColumnsOf(b, BatchOffset(b, c, index));
  };

  const int64_t resident_width = WidthOf<Blocks>(rows_reside), passing_width = WidthOf<Blocks>(!rows_reside);
  const int64_t passing_panel = passing_width * plan.depth, passing_panels = plan.passing();
  const Element *ready = static_cast<const Element *>(product.packed);
  if (plan.shared) {
    const int64_t bytes = batch * passing_panels * passing_panel * kSize;
    Element *to = static_cast<Element *>(threads.Shared(static_cast<size_t>(bytes)));
    PackAll(batch, passing_panels, passing_panel, to, threads, [&](int64_t index, int64_t panel, int64_t count, Element *place) {
      PackPanels<Blocks>(!rows_reside, lines(!rows_reside, index), panel, count, 0, plan.depth, place, passing_panel);
    });
    ready = to;
  }

  // In a thread's scratch: the resident panels, one that passes or all (if they aren't ready), and the sums of all blocks
  // that a passing panel makes, of this panel and the one before; of all blocks if there are several slabs.
  const int64_t most_resident = rows_reside ? plan.task_rows : plan.task_columns;
  const int64_t most_passing = rows_reside ? plan.task_columns : plan.task_rows;
  const int64_t kept_passing = plan.slab < plan.depth ? most_passing : 2;
  const int64_t passing_at = RoundUp(most_resident * resident_width * plan.slab * kSize, 64);
  const int64_t packed_passing = ready != nullptr ? 0 : plan.together ? most_passing : 1;
  const int64_t sums_at = passing_at + RoundUp(packed_passing * passing_width * plan.slab * kSize, 64);
  const int64_t sums_end = sums_at + most_resident * kept_passing * kSums * 4;

  ParallelFor(threads, plan.tasks(), [&](int64_t task, int thread) {
    const int64_t index = task / (plan.row_tasks * plan.column_tasks);
    const int64_t row = task / plan.column_tasks % plan.row_tasks * plan.task_rows;
    const int64_t column = task % plan.column_tasks * plan.task_columns;
    const int64_t row_end = AtMost(row + plan.task_rows, plan.row_panels);
    const int64_t column_end = AtMost(column + plan.task_columns, plan.column_panels);
    const int64_t first = rows_reside ? row : column, residents = (rows_reside ? row_end : column_end) - first;
    const int64_t passing_first = rows_reside ? column : row, passing_end = rows_reside ? column_end : row_end;
    const Finish finish = FinishOf<Blocks>(product, plan, index);

    char *scratch = static_cast<char *>(threads.Scratch(thread, static_cast<size_t>(sums_end)));
    Element *resident = reinterpret_cast<Element *>(scratch);
    Element *own_passing = reinterpret_cast<Element *>(scratch + passing_at);
    float *sums = reinterpret_cast<float *>(scratch + sums_at);
    const Lines resident_lines = lines(rows_reside, index), passing_lines = lines(!rows_reside, index);
    BlockMeanwhile<Blocks> meanwhile{finish, plan};
    Blocks::Begin();
    int64_t slab = 0;
    do {
      const int64_t slab_depth = AtMost(plan.slab, plan.depth - slab);
      const int64_t step = resident_width * slab_depth;
      const int64_t slices = CeilDivide(AtLeast(1, slab_depth), plan.slice);
      PackPanels<Blocks>(rows_reside, resident_lines, first, residents, slab, slab_depth, resident, step);
      if (plan.together) {
        PackPanels<Blocks>(!rows_reside, passing_lines, passing_first, passing_end - passing_first, slab, slab_depth,
                           own_passing, passing_width * slab_depth);
      }
      for (int64_t j = passing_first; j < passing_end; j++) {
        const Element *passing = own_passing;
        if (plan.together) {
          passing += (j - passing_first) * passing_width * slab_depth;
        } else if (ready == nullptr) {
          PackPanels<Blocks>(!rows_reside, passing_lines, j, 1, slab, slab_depth, own_passing, 0);
        } else {
          const int64_t panel = product.packed != nullptr ? j : index * passing_panels + j;
          passing = ready + panel * passing_panel + slab * passing_width;
        }
        float *panel_sums = sums + (j - passing_first) % kept_passing * residents * kSums;
        int64_t start = 0;
        do {
          const int64_t depth = AtMost(plan.slice, slab_depth - start), slice_bytes = depth * passing_width * kSize;
          const bool slab_ends = start + depth == slab_depth;
          const Element *slice = passing + start * passing_width;
          if (ready != nullptr) {  // the next slice: it lies behind this one, or at the same place in the next panel
            const Element *next = slab_ends ? passing + passing_panel : slice + depth * passing_width;
            meanwhile.PlanFetch(next, slab_ends && j + 1 == passing_end ? 0 : 1, slice_bytes, 0, residents);
          } else if (start == 0 && !plan.together && j + 1 < passing_end && passing_lines.depth_stride == 1) {
            meanwhile.PlanFetch(passing_lines, j + 1, slab, slab_depth, residents * slices);
          }
          MultiplySlice(resident + start * resident_width, first, residents, step, slice, j, slab + start, depth,
                        panel_sums, meanwhile);
          start += depth;
        } while (start < slab_depth);
        if (slab + slab_depth < plan.depth) continue;
        meanwhile.PlanFinish(panel_sums, residents, first, j, slices);
      }
      slab += slab_depth;
    } while (slab < plan.depth);
    meanwhile.FinishRows(residents * Blocks::kRows);
    Blocks::End();
  });
}

inline void MultiplyProduct(const Product &product, Threads &threads) {
  if (product.precision == DType::kBFloat16) MultiplyMatrices<BFloat16Blocks>(product, threads);
  else MultiplyMatrices<FloatBlocks<false>>(product, threads);
}

// 0 where packing beforehand brings nothing.
inline size_t PackedBytes(int64_t k, int64_t n, DType precision) {
  if (!kPacksWeights || precision != DType::kBFloat16) return 0;
  const int64_t depth = RoundUp(k, BFloat16Blocks::kDepth);
  const int64_t width = RoundUp(n, BFloat16Blocks::kColumns);
  return static_cast<size_t>(depth * width) * sizeof(BFloat16Blocks::Element);
}

inline void Pack(const View &b, DType precision, void *packed, Threads &threads) {
  if (!kPacksWeights || precision != DType::kBFloat16) return;
  const Lines columns = ColumnsOf(b, 0);
  const int64_t depth = RoundUp(columns.depth, BFloat16Blocks::kDepth);
  const int64_t panels = CeilDivide(columns.count, BFloat16Blocks::kColumns);
  const int64_t size = depth * BFloat16Blocks::kColumns;
  using Element = BFloat16Blocks::Element;
  PackAll(1, panels, size, static_cast<Element *>(packed), threads, [&](int64_t, int64_t panel, int64_t count, Element *to) {
    PackPanels<BFloat16Blocks>(false, columns, panel, count, 0, depth, to, size);
  });
}

}  // namespace SIGLIP_ISA
}  // namespace siglip
