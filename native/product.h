// c = activation(alpha · a·b + bias) + residual, for all sizes, strides and instruction sets.
#pragma once

#include "product-finish.h"
#include "product-floats.h"
#include "product-plan.h"
#if defined(__AMX_BF16__) && defined(__AVX512BF16__)
#include "product-tiles.h"
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

inline Finish FinishOf(const Product &product, int64_t index) {
  const View &c = product.c;
  Finish finish{};
  finish.c = At(c, BatchOffset(c, c, index));
  finish.c_stride = c.strides[c.rank - 2];
  if (product.residual != nullptr) {
    const View &residual = *product.residual;
    finish.residual = At(residual, BatchOffset(residual, c, index));
    finish.residual_stride = residual.rank > 1 && residual.shape[residual.rank - 2] > 1 ? residual.strides[residual.rank - 2] : 0;
    finish.residual_step = residual.shape[residual.rank - 1] > 1 ? residual.strides[residual.rank - 1] : 0;
  }
  if (product.bias != nullptr) {
    finish.bias = static_cast<const float *>(product.bias->data);
    finish.bias_step = product.bias->shape[product.bias->rank - 1] > 1 ? product.bias->strides[product.bias->rank - 1] : 0;
  }
  finish.alpha = product.alpha;
  finish.rows = c.dtype == DType::kBFloat16 ? FinishWithActivation<DType::kBFloat16>(product.activation, product.residual)
                                            : FinishWithActivation<DType::kFloat32>(product.activation, product.residual);
  return finish;
}

// A panel holds kRows or kColumns lines, as deep as k is; those of a matrix lie one after the other.
template <typename Blocks>
void PackPanel(bool rows, const Lines &lines, int64_t panel, int64_t start, int64_t depth, typename Blocks::Element *to) {
  depth = AtMost(depth, lines.depth - start);
  if (rows) Blocks::PackRows(lines, panel * Blocks::kRows, start, depth, to);
  else Blocks::PackColumns(lines, panel * Blocks::kColumns, start, depth, to);
}

// What is done while a block is multiplied, a little in each step: multiplying leaves the other units idle.
struct BlockMeanwhile {
  // The block before: its sums are complete, but not yet finished.
  const Finish *finish;
  int64_t stride;  // of the sums
  const float *sums;
  int64_t row, rows, column, columns;
  // What will be read next, and isn't in a cache.
  const char *next, *next_end;
  int64_t next_lines;  // to be asked for in the block

  void FinishRows(int64_t count) {
    if (rows == 0) return;
    count = AtMost(count, rows);
    (*finish)(sums, stride, row, count, column, columns);
    sums += count * stride, row += count, rows -= count;
  }
  void Fetch(int64_t lines) {
    for (; lines > 0 && next < next_end; lines--, next += 64) __builtin_prefetch(next, 0, 2);
  }
};

template <typename Blocks>
void MultiplyMatrices(const Product &product, Threads &threads) {
  using Element = typename Blocks::Element;
  constexpr int64_t kSize = sizeof(Element), kSums = Blocks::kRows * Blocks::kColumns;
  const View &a = product.a, &b = product.b, &c = product.c;
  const int64_t m = c.shape[c.rank - 2], n = c.shape[c.rank - 1], k = a.shape[a.rank - 1];
  int64_t batch = 1;
  for (int32_t i = 0; i < c.rank - 2; i++) batch *= c.shape[i];
  if (m * n * batch == 0) return;
  const ProductPlan plan = PlanProduct<Blocks>(m, n, k, batch, product.packed != nullptr, threads.count());
  const bool rows_reside = plan.rows_reside;
  const auto lines = [&](bool rows, int64_t index) {
    return rows ? RowsOf(a, BatchOffset(a, c, index)) : ColumnsOf(b, BatchOffset(b, c, index));
  };

  const int64_t resident_width = rows_reside ? Blocks::kRows : Blocks::kColumns;
  const int64_t passing_width = rows_reside ? Blocks::kColumns : Blocks::kRows, passing_panel = passing_width * plan.depth;
  const int64_t passing_panels = rows_reside ? plan.column_panels : plan.row_panels;
  const Element *ready = static_cast<const Element *>(product.packed);
  if (plan.shared) {
    const int64_t panels = batch * passing_panels;
    Element *to = static_cast<Element *>(threads.Shared(static_cast<size_t>(panels * passing_panel * kSize)));
    ParallelFor(threads, panels, [&](int64_t panel, int) {
      const Lines passing = lines(!rows_reside, panel / passing_panels);
      PackPanel<Blocks>(!rows_reside, passing, panel % passing_panels, 0, k, to + panel * passing_panel);
    });
    ready = to;
  }

  // In a thread's scratch: the resident panels, one that passes (if they aren't ready), and the sums: of a block, of all
  // that a passing panel makes, or (if there are several slabs) of all blocks.
  const auto whole_lines = [](int64_t bytes) { return CeilDivide(bytes, 64) * 64; };
  const int64_t most_resident = rows_reside ? plan.task_rows : plan.task_columns;
  const int64_t most_passing = rows_reside ? plan.task_columns : plan.task_rows;
  const int64_t sums_count = plan.slab < plan.depth ? most_resident * most_passing : plan.slice < plan.depth ? most_resident : 1;
  const int64_t passing_at = whole_lines(most_resident * resident_width * plan.slab * kSize);
  const int64_t sums_at = passing_at + (ready == nullptr ? whole_lines(passing_width * plan.slab * kSize) : 0);
  const int64_t sums_end = sums_at + sums_count * kSums * 4;

  ParallelFor(threads, plan.tasks(), [&](int64_t task, int thread) {
    const int64_t index = task / (plan.row_tasks * plan.column_tasks);
    const int64_t row = task / plan.column_tasks % plan.row_tasks * plan.task_rows;
    const int64_t column = task % plan.column_tasks * plan.task_columns;
    const int64_t row_end = AtMost(row + plan.task_rows, plan.row_panels);
    const int64_t column_end = AtMost(column + plan.task_columns, plan.column_panels);
    const int64_t first = rows_reside ? row : column, residents = (rows_reside ? row_end : column_end) - first;
    const int64_t passing_first = rows_reside ? column : row, passing_end = rows_reside ? column_end : row_end;
    const Finish finish = FinishOf(product, index);

    char *scratch = static_cast<char *>(threads.Scratch(thread, static_cast<size_t>(sums_end)));
    Element *resident = reinterpret_cast<Element *>(scratch);
    Element *own_passing = reinterpret_cast<Element *>(scratch + passing_at);
    float *sums = reinterpret_cast<float *>(scratch + sums_at);
    const Lines resident_lines = lines(rows_reside, index), passing_lines = lines(!rows_reside, index);
    BlockMeanwhile meanwhile{};
    meanwhile.finish = &finish;
    meanwhile.stride = Blocks::kColumns;
    Blocks::Begin();
    int64_t slab = 0;
    do {
      const int64_t slab_depth = AtMost(plan.slab, plan.depth - slab);
      for (int64_t i = 0; i < residents; i++) {
        PackPanel<Blocks>(rows_reside, resident_lines, first + i, slab, slab_depth, resident + i * resident_width * slab_depth);
      }
      for (int64_t j = passing_first; j < passing_end; j++) {
        const Element *passing = own_passing;
        if (product.packed != nullptr) passing = ready + j * passing_panel + slab * passing_width;
        else if (ready != nullptr) passing = ready + (index * passing_panels + j) * passing_panel + slab * passing_width;
        else PackPanel<Blocks>(!rows_reside, passing_lines, j, slab, slab_depth, own_passing);
        int64_t start = 0;
        do {
          const int64_t depth = AtMost(plan.slice, slab_depth - start), slice_bytes = depth * passing_width * kSize;
          const bool slab_ends = start + depth == slab_depth, last = slab + start + depth == plan.depth;
          const Element *slice = passing + start * passing_width;
          if (ready != nullptr) {  // the next slice: it lies behind this one, or at the same place in the next panel
            const Element *next = slab_ends ? passing + passing_panel : slice + depth * passing_width;
            meanwhile.next = reinterpret_cast<const char *>(next);
            meanwhile.next_end = meanwhile.next + (slab_ends && j + 1 == passing_end ? 0 : slice_bytes);
            meanwhile.next_lines = CeilDivide(slice_bytes, 64 * residents);
          }
          for (int64_t i = 0; i < residents; i++) {
            const int64_t row_panel = rows_reside ? first + i : j, column_panel = rows_reside ? j : first + i;
            const int64_t at_row = row_panel * Blocks::kRows, at_column = column_panel * Blocks::kColumns;
            const int64_t rows = AtMost(Blocks::kRows, m - at_row), columns = AtMost(Blocks::kColumns, n - at_column);
            const Element *own = resident + (i * slab_depth + start) * resident_width;
            float *block = sums;
            if (plan.slice < plan.depth) block += i * kSums;
            if (plan.slab < plan.depth) block += (j - passing_first) * residents * kSums;
            Blocks::Multiply(rows, columns, rows_reside ? own : slice, rows_reside ? slice : own, depth, block,
                             slab + start > 0, meanwhile);
            if (last) {
              meanwhile.sums = block;
              meanwhile.row = at_row, meanwhile.rows = rows, meanwhile.column = at_column, meanwhile.columns = columns;
            }
          }
          start += depth;
        } while (start < slab_depth);
      }
      slab += slab_depth;
    } while (slab < plan.depth);
    meanwhile.FinishRows(Blocks::kRows);
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
  const int64_t depth = CeilDivide(k, BFloat16Blocks::kDepth) * BFloat16Blocks::kDepth;
  const int64_t width = CeilDivide(n, BFloat16Blocks::kColumns) * BFloat16Blocks::kColumns;
  return static_cast<size_t>(depth * width) * sizeof(BFloat16Blocks::Element);
}

inline void Pack(const View &b, DType precision, void *packed, Threads &threads) {
  if (!kPacksWeights || precision != DType::kBFloat16) return;
  const Lines columns = ColumnsOf(b, 0);
  const int64_t depth = CeilDivide(columns.depth, BFloat16Blocks::kDepth) * BFloat16Blocks::kDepth;
  ParallelFor(threads, CeilDivide(columns.count, BFloat16Blocks::kColumns), [&](int64_t panel, int) {
    PackPanel<BFloat16Blocks>(false, columns, panel, 0, columns.depth,
                              static_cast<BFloat16Blocks::Element *>(packed) + panel * BFloat16Blocks::kColumns * depth);
  });
}

}  // namespace SIGLIP_ISA
}  // namespace siglip
